"""The pages of the own messages, and of the mails that come besides. For everybody who has an account."""

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.widgets import CheckboxInput

from backoffice.accounts.views import principal
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.messages import queries, registry, services, showing
from backoffice.messages.queries import After
from backoffice.storage.public_id import is_public_id
from backoffice.web.identity import done_reading, reading

bp = Blueprint("messages", __name__, template_folder="templates")


class MailsForm(FlaskForm):
    """Which of the mails that may be turned off come."""

    wanted = SelectMultipleField(
        lazy("Mail me as well"), widget=CheckboxInput(), option_widget=CheckboxInput()
    )


@bp.get("/messages")
@login_required
def index() -> str:
    """The own messages, unread ones first."""
    after = _after()
    return render_template(
        "messages/messages.html",
        person=principal(),
        messages=showing.listed(reading(), after=after),
        older=after is not None,
    )


@bp.get("/messages/<message:public_id>")
@login_required
def message(public_id: str) -> str:
    """One own message, with what there is to read of it."""
    tx = reading()
    found = showing.line(queries.message(tx, public_id))
    kind = registry.named(found.message.kind)
    return render_template(
        "messages/message.html",
        person=principal(),
        message=found,
        is_long=kind is not None and kind.text is not None,
        text=kind.text(tx, found.message.subject or "") if kind and kind.text else None,
    )


@bp.post("/messages/<message:public_id>/open")
@login_required
def open_message(public_id: str) -> Response:
    """Open one: it is read from then on."""
    who = principal()
    done_reading()
    found = showing.line(services.read_message(principal=who, message=public_id))
    return redirect(found.address, 303)


@bp.post("/messages/read")
@login_required
def read_all() -> Response:
    """Have read all that the page showed, and all before."""
    who, up_to = principal(), request.form.get("up_to", "")
    if not is_public_id(up_to):
        abort(404)
    done_reading()
    count = services.read_all(principal=who, up_to=up_to)
    said = ngettext(
        "1 message is marked as read.", "%(count)s messages are marked as read.", count, count=count
    )
    flash(said if count else gettext("All messages were read before."), "success")
    return redirect("/messages", 303)


@bp.route("/account/mails", methods=["GET", "POST"])
@login_required
def mails_of_account() -> Response | tuple[str, int]:
    """Choose which mails come besides the messages."""
    who = principal()
    offered = registry.choices(who)
    form = MailsForm(wanted=[name for name in offered if name not in queries.unwanted_mails(reading())])
    form.wanted.choices = [SelectChoice(name, kind.mail.called) for name, kind in offered.items()]
    if form.validate_on_submit():
        done_reading()
        services.choose_mails(principal=who, wanted=form.wanted.data or ())
        flash(gettext("Your choice is kept."), "success")
        return redirect("/account", 303)
    page = render_template("messages/mails.html", form=form, groups=showing.grouped(offered), person=who)
    return page, 422 if form.errors else 200


def _after() -> After | None:
    """Behind which message the page begins, as its address says."""
    found = request.args.get("after", "")
    return After(found, unread=request.args.get("unread") == "1") if is_public_id(found) else None
