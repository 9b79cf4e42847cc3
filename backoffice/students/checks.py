"""Whether a student's session is a short-lived signed token, and nobody makes students but who may."""

from datetime import datetime, timedelta
from uuid import uuid4

from joserfc import jws
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.sql.functions import concat

from backoffice import clock
from backoffice.controls import registry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds
from backoffice.controls.looking import count
from backoffice.storage import keyring
from backoffice.storage.keyring import Purpose
from backoffice.students import tokens
from backoffice.students.models import StudentSession
