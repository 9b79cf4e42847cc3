"""Where the files of exports lie: below the data folder, which web and workers share."""

from pathlib import Path

from flask import Flask

from backoffice.runtime import Runtime


def folder_of(app: Flask) -> Path:
    """The folder of an application."""
    runtime: Runtime = app.extensions["backoffice"]
    return runtime.settings.data_dir / "exports"
