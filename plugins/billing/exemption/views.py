"""The page of a school's tax certificate."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, make_response, redirect
from flask_admin import expose
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.permissions import Permission
from backoffice.console.guard import SECONDS_AT_WORK, GuardedView
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed
from plugins.billing import asking, papers
from plugins.billing.exemption import queries, services
from plugins.billing.exemption.forms import CertificateForm
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.exemption.services import Given
from plugins.billing.pages import page_asked_for
from plugins.billing.payers import HERE, without_card
from plugins.billing.permissions import BILLING_MANAGE
from plugins.billing.queries import customer_of

Answer = str | Response | tuple[str, int]
DOORS: Mapping[str, Permission] = dict.fromkeys(("exemption", "certificate_file"), BILLING_MANAGE)
FRESH = frozenset({"exemption"})
UPLOADS: Mapping[str, int] = {"exemption": papers.LARGEST + papers.ROOM}


class ExemptionPages(GuardedView):
    """Pages of a school or district that pays no sales tax. Whoever inherits opens the doors."""

    abstract = True

    @expose("/<school:public_id>/exemption", methods=("GET", "POST"))
    @expose("/districts/<district:public_id>/exemption", methods=("GET", "POST"))
    @shows_what_was_typed
    def exemption(self, public_id: str) -> Answer:
        """Hand in a certificate, and see those that there are."""
        tx = reading()
        place, here = without_card(tx, public_id), page_asked_for(public_id)
        customer = customer_of(tx, place)
        rows = queries.certificates_of(tx, customer) if customer else ()
        waits = any(each.replaced_at is None and each.set_at is None for each in rows)
        context = {
            "rows": list(map(_row, rows)),
            "connected": asking.is_connected(),
            "seconds": self.looks_again(tx, every=SECONDS_AT_WORK) if waits else None,
        }
        form, problem = CertificateForm(state=place.state or ""), None
        if form.validate_on_submit():
            done_reading()
            try:
                services.hand_in(
                    principal=self.who,
                    payer=public_id,
                    given=Given(
                        form.state.data or "",
                        form.last_day.data,
                        form.file.data.read(papers.LARGEST + 1),
                    ),
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                flash(gettext("The certificate is kept. Stripe asks for no tax from now on."), "success")
                return redirect(f"{here}/exemption", 303)
        page = self.render(
            "billing/exemption.html",
            form=form,
            problem=problem,
            top=HERE,
            here=here,
            crumbs=_crumbs(self.title, here),
            **context,
        )
        return (page, 422) if form.errors or problem else page

    @expose("/certificates/<tax_certificate:public_id>", methods=("GET",))
    def certificate_file(self, public_id: str) -> Response:
        """The paper of a certificate."""
        done_reading()
        content, kind = services.certificate_file(principal=self.who, certificate=public_id)
        answer = make_response(content)
        answer.headers["Content-Type"] = papers.TYPES[kind]
        answer.headers["Content-Disposition"] = f'attachment; filename="certificate-{public_id}.{kind}"'
        return answer


def _crumbs(title: str, back: str) -> Sequence[Mapping[str, str]]:
    return [{"title": title, "url": back}, {"title": gettext("Tax certificate")}]


def _row(certificate: TaxCertificate) -> Mapping[str, Any]:
    return {"row": certificate, "state": _state(certificate)}


def _state(certificate: TaxCertificate) -> tuple[str, str]:
    if certificate.replaced_at is not None:
        return lazy("Replaced"), "info"
    if certificate.ends_at <= clock.now():
        return lazy("Over"), "bad"
    if certificate.set_at is None:
        return lazy("Stripe is being told"), "info"
    return lazy("In force"), "good"
