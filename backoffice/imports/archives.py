"""What is believed of a zip that somebody brings, by whatever reads one."""

import struct
import zipfile
import zlib

# By other methods zipfile unpacks a part without a maximum.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# zipfile reads on by as many packed bytes as it is asked for of unpacked ones.
STEP = 1 << 16
# What zipfile raises over bytes that are no zip, or no longer one.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
    ValueError,
    ArithmeticError,
)
