"""What a WSGI server runs."""

from backoffice.app import create_app
from backoffice.settings import load

app = create_app(load())
