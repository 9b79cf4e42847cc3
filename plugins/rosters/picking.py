"""Into what a roster goes is picked by its name: the districts that one leads first, then the schools."""

from backoffice.schools.picking import Relation, offer, schools
from plugins.rosters.permissions import ROSTERS_IMPORT
from plugins.rosters.queries import districts_led

# By the word that the form says for it.
PLACE = "place-of-a-roster"

offer(PLACE, Relation(ROSTERS_IMPORT, schools, ahead=districts_led))
