"""Words by which a field would ask for what laws protect most: whoever wants one says why, and told families.

English and Spanish side by side, as a school writes either. They lead to a question and forbid nothing, so
one too many costs a look, and one that is missing is why a purpose is asked for all the same.
"""

import re
import unicodedata
from collections.abc import Iterable

SENSITIVE = """
ssn | social security | social security number | seguro social | seguridad social
numero de seguro social | passport | pasaporte | immigration | immigration status | inmigracion
estatus migratorio | situacion migratoria | visa | undocumented | indocumentado | indocumentada
citizenship | ciudadania | nationality | nacionalidad | curp | dni | nie | itin | driver license
drivers license | driver s license | licencia de conducir | diagnosis | diagnoses | diagnosed
diagnostic | diagnostico | diagnosticos | diagnosticado | diagnosticada | disability | disabilities
disabled | discapacidad | discapacidades | discapacitado | discapacitada | iep | section 504 | 504 plan
plan 504 | special education | educacion especial | special needs | necesidades especiales | adhd | tdah
autism | autistic | autismo | autista | dyslexia | dislexia | medical | medico | medica | medication
medications | medicine | medicacion | medicamento | medicamentos | medicina | allergy | allergies
allergic | alergia | alergias | alergico | alergica | illness | disease | enfermedad | enfermedades
health | salud | mental health | salud mental | therapy | terapia | therapist | terapeuta | psychologist
psicologo | psicologa | psychological | psicologico | psicologica | counselling | counseling
vaccination | vaccinations | vaccine | vaccines | vacuna | vacunas | vacunacion | blood type
tipo de sangre | pregnant | pregnancy | embarazo | embarazada | hiv | vih | religion | religions
religious | religioso | religiosa | faith | church | iglesia | mosque | mezquita | synagogue | sinagoga
creed | credo | race | racial | raza | ethnicity | ethnic | etnia | etnico | etnica | origen etnico
skin colour | skin color | sexual orientation | orientacion sexual | sexuality | sexualidad
gender identity | identidad de genero | transgender | transgenero | gay | lesbian | lesbiana | political
politics | politico | politica | political party | partido politico | trade union | sindicato | income
ingresos | salary | salario | free lunch | reduced lunch | almuerzo gratuito | almuerzo reducido
poverty | pobreza | welfare | homeless | sin hogar | foster care | foster child | acogimiento | custody
custodia | police | policia | arrest | arresto | criminal | criminal record | antecedentes penales
probation | libertad condicional | abuse | abuso | maltrato | biometric | biometrics | biometrico
biometrica | fingerprint | fingerprints | huella dactilar | huellas dactilares | genetic | genetico
genetica
"""
_NO_LETTER = re.compile(r"[^a-z0-9]+")


def sensitive_in(texts: Iterable[str]) -> list[str]:
    """The words and phrases of the list that stand whole in one of these texts, each once, in order."""
    plain = [f" {_plain(text)} " for text in texts]
    return [phrase for phrase in _PHRASES if any(f" {phrase} " in text for text in plain)]


def _plain(text: str) -> str:
    """Small letters without accents, and single spaces: "S.S.N." is "s s n", and the list has it as "ssn"."""
    without_dots = re.sub(r"(?<=\b\w)\.(?=\w\b)|(?<=\.\w)\.", "", text)
    parted = unicodedata.normalize("NFKD", without_dots.casefold())
    letters = "".join(each for each in parted if not unicodedata.combining(each))
    return _NO_LETTER.sub(" ", letters).strip()


_PHRASES: tuple[str, ...] = tuple(
    dict.fromkeys(phrase.strip() for line in SENSITIVE.strip().splitlines() for phrase in line.split("|"))
)
