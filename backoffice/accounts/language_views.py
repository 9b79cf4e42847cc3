"""The page of the own account where one chooses one's language."""

from flask import flash, redirect, render_template, request
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField

from backoffice.accounts.services.language import choose_language
from backoffice.accounts.views import bp, principal
from backoffice.language import catalogues
from backoffice.language.spoken import language, speaking
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.web.identity import SAFE_METHODS, done_reading
from backoffice.web.rejections import show_rejection


class LanguageForm(FlaskForm):
    """One of the languages, each with its own name."""

    # Which there are is for the service to say.
    language = SelectField(lazy("Language"), validate_choice=False)


@bp.route("/account/language", methods=["GET", "POST"])
@login_required
def language_of_account() -> Response | tuple[str, int]:
    """Choose the language of pages and mails."""
    who, problem = principal(), None
    form = LanguageForm(language=who.language or language())
    form.language.choices = [(each, catalogues.own_name(each)) for each in catalogues.languages()]
    if form.validate_on_submit():
        done_reading()
        try:
            choose_language(principal=who, language=form.language.data or "")
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
        else:
            with speaking(form.language.data):
                flash(gettext("This is your language now, of pages and of mails."), "success")
            return redirect("/account", 303)
    page = render_template("accounts/language.html", form=form, problem=problem, person=who)
    return page, 200 if request.method in SAFE_METHODS else 422
