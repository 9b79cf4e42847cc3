"""Showing what a service rejected in the form that asked for it."""

from flask_wtf import FlaskForm

from backoffice.problems import Rejected


def show_rejection(form: FlaskForm, rejected: Rejected) -> str | None:
    """Put each sentence beside its field; returns the one that belongs to the whole form."""
    whole = []
    for name, sentence in rejected.fields.items():
        field = form._fields.get(name)
        if field is None:
            whole.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
    return " ".join(map(str, whole)) or None
