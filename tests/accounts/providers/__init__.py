"""Identity providers: real processes on loopback, one as it should be and one that does as it is told."""
