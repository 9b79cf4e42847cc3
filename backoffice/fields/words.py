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
licencia de conducir | diagnosis | diagnoses | diagnosed | diagnostic | diagnostico | diagnosticado
diagnosticada | disability | disabilities | disabled | discapacidad | discapacidades | discapacitado
discapacitada | iep | section 504 | 504 plan | plan 504 | special education | educacion especial
special needs | necesidades especiales | adhd | tdah | autism | autistic | autismo | autista | dyslexia
dislexia | medical | medico | medica | medication | medicine | medicacion | medicamento | medicina
allergy | allergies | allergic | alergia | alergico | alergica | illness | disease | enfermedad
enfermedades | health | salud | mental health | salud mental | therapy | terapia | therapist | terapeuta
psychologist | psicologo | psicologa | psychological | psicologico | psicologica | counselling
counseling | vaccination | vaccine | vacuna | vacunacion | blood type | tipo de sangre | pregnant
pregnancy | embarazo | embarazada | hiv | vih | religion | religious | religioso | religiosa | faith
church | iglesia | mosque | mezquita | synagogue | sinagoga | creed | credo | race | racial | raza
ethnicity | ethnic | etnia | etnico | etnica | origen etnico | skin colour | skin color
sexual orientation | orientacion sexual | sexuality | sexualidad | gender identity | identidad de genero
transgender | transgenero | gay | lesbian | lesbiana | political | politics | politico | politica
political party | partido politico | trade union | sindicato | income | ingresos | ingreso familiar
ingreso de la familia | ingreso de familia | ingreso del hogar | ingreso de los padres | ingreso del padre
ingreso de la madre | ingreso mensual | ingreso anual | ingreso bruto | ingreso neto | ingreso economico
ingreso laboral | ingreso total | ingreso promedio | ingreso bajo | ingreso per capita | nivel de ingreso
rango de ingreso | fuente de ingreso | bajo ingreso | ingreso hospitalario | salary | salario
free lunch | reduced lunch | almuerzo gratuito | almuerzo reducido | poverty | pobreza | welfare
homeless | sin hogar | foster care | foster child | acogimiento | custody | custodia | police | policia
arrest | arresto | criminal | criminal record | antecedentes penales | probation | libertad condicional
abuse | abuso | maltrato | biometric | biometrico | biometrica | fingerprint | huella dactilar
huellas dactilares | genetic | genetico | genetica | soc sec | social sec | ss number | ss no | nss
green card | alien number | daca | refugee | refugiado | refugiada | asylum | asilo | medicaid
medicare | med | prescription | receta medica | handicap | handicapped | minusvalia | minusvalido
minusvalida | impairment | wheelchair | silla de ruedas | 504 | asthma | asma | epilepsy | epilepsia
seizure | convulsion | diabetes | diabetic | diabetico | diabetica | cancer | depression | depresion
anxiety | ansiedad | suicide | suicidio | self harm | epipen | inhaler | inhalador | hospital | clinic
clinica | doctor | sickness | lgbt | lgbtq | pronoun | pronombre | tribe | tribal | tribu | food stamp
cupon de alimento | vivienda temporal
"""
_OF_SOMEBODY = re.compile(r"['\u2019]s\b")
_NO_LETTER = re.compile(r"[^a-z0-9]+")
_LONE_LETTERS = re.compile(r"\b[a-z](?: [a-z])+\b")
# Shorter ones that end so are no plurals: "gas", "sus".
_SHORTEST_PLURAL = 4
# Of these the singular says something else: "fecha de ingreso" is when a child came to the school.
_ONLY_IN_PLURAL = frozenset({"ingresos"})


def sensitive_in(texts: Iterable[str]) -> list[str]:
    """The words and phrases of the list that stand whole in one of these texts, each once, in order."""
    plain = [f" {_plain(text)} " for text in texts]
    return [phrase for form, phrase in _PHRASES.items() if any(f" {form} " in text for text in plain)]


def _plain(text: str) -> str:
    """Small letters without accents, single spaces, and no plurals.

    Letters that stand alone one after the other are one word: "S.S.N.", "S-S-N" and "SSNs" are "ssn".
    """
    parted = unicodedata.normalize("NFKD", _OF_SOMEBODY.sub("", text.casefold()))
    letters = "".join(each for each in parted if not unicodedata.combining(each))
    spaced = _NO_LETTER.sub(" ", letters).strip()
    joined = _LONE_LETTERS.sub(lambda found: found[0].replace(" ", ""), spaced)
    return " ".join(map(_one, joined.split()))


def _one(word: str) -> str:
    """A word without the s of its plural."""
    if word in _ONLY_IN_PLURAL:
        return word
    is_plural = len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith("ss")
    return word.removesuffix("s") if is_plural else word


# By the form in which texts are looked through.
_PHRASES: dict[str, str] = {
    _plain(phrase): phrase.strip() for line in SENSITIVE.strip().splitlines() for phrase in line.split("|")
}
