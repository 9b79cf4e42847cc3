"""A field of a form that picks one thing: a select of a few, and what looks for one by its name of many."""

from collections.abc import Collection, Sequence
from typing import Any

from flask import render_template
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import SelectField
from wtforms.widgets import Select

from backoffice.access.transaction import Transaction
from backoffice.console.grids.filters import MOST_CHOICES
from backoffice.console.picker.asking import is_looking, look, looked_for, too_often
from backoffice.problems import Throttled
from backoffice.schools import picking, queries
from backoffice.schools.picking import Picked


class PickingForm(FlaskForm):
    """A form with something to pick. To look for it sends nothing, and what was typed stays."""

    def is_submitted(self) -> bool:
        """Whether what it asks for is asked for."""
        return bool(super().is_submitted()) and not is_looking()


class _PickWidget(Select):
    """The select alone, or with what looks for others."""

    def __call__(self, field: Any, **attributes: Any) -> Markup:
        select = super().__call__(field, **attributes)
        if not field.many:
            return select
        return Markup(  # noqa: S704 - a template of ours
            render_template("console/parts/picker.html", field=field, select=select)
        )


class PickField(SelectField):
    """One thing of a relation of `backoffice.schools.picking`. `fill` it before it is validated.

    What the principal may not pick is no choice, whoever names it.
    """

    widget = _PickWidget()

    def __init__(self, label: str, validators: Any = None, *, relation: str, **options: Any) -> None:
        super().__init__(label, validators, choices=[], **options)
        # For whoever draws fields by their kind.
        self.type = "SelectField"
        self.relation = relation
        self.many = False
        # The public identifier of the school in which it is, if in one.
        self.within: str | None = None
        self.words = self.said = ""

    def fill(
        self,
        tx: Transaction,
        nothing: str,
        *,
        within: int | None = None,
        without: Collection[str] = (),
    ) -> None:
        """Offer what can be picked: all if they are few, or the picked one and what somebody looks for.

        `nothing` is what picking none is called; `without` are public identifiers that are not offered.
        """
        offered = picking.few(tx, self.relation, most=MOST_CHOICES, within=within)
        self.many = offered is None
        if offered is None:
            self.within = queries.school_public_id(tx, within) if within is not None else None
            chosen = picking.picked(tx, self.relation, self.data or "", within=within)
            self.words = looked_for(self.name)
            found = self._look(tx, within) if self.words else []
            if len(found) == 1:
                # The only one is meant.
                self.data = found[0].public_id
            offered = [*found, *([chosen] if chosen and chosen not in found else [])]
            self.said = self.said or picking.RELATIONS[self.relation].words.how
        self.choices = [
            ("", nothing),
            *(
                (each.public_id, f"{each.name}, {each.hint}" if each.hint else each.name)
                for each in offered
                if each.public_id not in without
            ),
        ]

    def only_one(self, tx: Transaction) -> str | None:
        """The public identifier of the one thing that can be picked, where there is one and no other."""
        offered = picking.few(tx, self.relation, most=1)
        return offered[0].public_id if offered else None

    @property
    def find(self) -> str:
        """What the field that looks for others is called."""
        return picking.RELATIONS[self.relation].words.find

    def _look(self, tx: Transaction, within: int | None) -> Sequence[Picked]:
        try:
            found = look(tx, self.relation, self.words, within=within)
        except Throttled as throttled:
            self.said = too_often(throttled)
            return []
        self.said = found.said
        return found.shown
