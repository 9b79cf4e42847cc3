"""What a WSGI server runs."""

from backoffice.app import create_app
from backoffice.serve import settle
from backoffice.settings import load
from backoffice.web import logs

settings = load()
logs.configure(settings.log_dir)
app = create_app(settings)
settle()
