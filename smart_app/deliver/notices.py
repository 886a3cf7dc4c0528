"""Notices and invitations. A letter says that something waits, never what: no names of illness, images or sides."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from smart_app.acting import right_to_act
from smart_app.case import Patient
from smart_app.deliver.outcome import SYSTEM, Done, Later, Outcome, Parked
from smart_app.invitation import LIVES, new_link
from smart_app.mail import Letter
from smart_app.ports import Ports
from smart_app.referral import Referral, Status
from smart_app.store import Owed, digest


def invite_patient(ports: Ports, owed: Owed) -> Outcome:
    """A signed, expiring link to this one referral; it opens with the birth date and a code that is in no letter."""
    referral = _read(ports, owed)
    if referral.status is not Status.GATHERING:
        return Done("The images are here already.")
    if not referral.patient.email:
        return Done("No address in the chart: the patient can start from the portal.")
    secret = new_link(ports.settings.secret)
    # The row comes first: a link that nobody was sent is harmless, a sent link that nobody knows is a dead end.
    with ports.store.transaction() as tx:
        tx.invitations.add(referral.id, digest(secret), ports.now() + LIVES)
    link = f"{ports.settings.base_url}/invitation/{secret}"
    ports.mail(_invitation(referral.patient, ports.directory.site(referral.site).name, link))
    with ports.store.transaction() as tx:
        tx.audit.write(ports.now(), SYSTEM, "invite", referral.id, "invitation")
    return Done("Invitation sent.")


def _invitation(patient: Patient, site: str, link: str) -> Letter:
    if patient.language.startswith("es"):
        return Letter(
            patient.email,
            f"{site}: añada sus imágenes",
            f"Su médico en {site} pidió una segunda opinión para usted.\n\n"
            f"Añada aquí sus imágenes. Son tres pasos:\n\n{link}\n\n"
            "Le pediremos su fecha de nacimiento y un código de seis cifras. Se lo da el consultorio; no está aquí.\n"
            "El enlace es solo para usted y dura 30 días. No es para emergencias.\n",
        )
    return Letter(
        patient.email,
        f"{site}: add your pictures",
        f"Your doctor at {site} asked for a second opinion for you.\n\n"
        f"Add your pictures here. It takes three steps:\n\n{link}\n\n"
        "We will ask for your birth date and for a code of six digits. The office gives you the code; it is not here.\n"
        "The link is for you alone and works for 30 days. It is not for emergencies.\n",
    )


def notify_expert(ports: Ports, owed: Owed) -> Outcome:
    """The worklist is where experts look; the organisation hears that it changed."""
    referral = _read(ports, owed)
    organisation = ports.directory.organisation(referral.organisation)
    if not organisation.email:
        return Done("On the worklist.")
    ports.mail(
        Letter(
            organisation.email,
            "A case on your worklist has changed",
            f"Case {referral.case_number}: {EXPERT_NEWS.get(str(owed.arguments.get('why')), 'please look')}.\n\n"
            f"{ports.settings.base_url}/sign-in/{organisation.id}\n",
        )
    )
    return Done("Notice sent.")


EXPERT_NEWS = {"new": "a new case waits to be accepted", "answered": "your question was answered"}


def notify_referrer(ports: Ports, owed: Owed) -> Outcome:
    """The asker sees news where they asked. A patient, or who acts for them, also gets a letter where we may write."""
    referral = _read(ports, owed)
    patient = referral.patient
    why = str(owed.arguments.get("why", ""))
    news = PATIENT_NEWS.get(why)
    if why == "ask" and referral.requester.role == "clinician":
        news = None  # the question is for the doctor
    to = _addresses(ports, referral) if news is not None else ()
    if not to or news is None:
        return Done("Shown in the app.")
    subject, text = news[1 if patient.language.startswith("es") else 0]
    for address in to:
        ports.mail(Letter(address, subject, f"{text}\n\n{ports.settings.base_url}/start\n"))
    return Done("Notice sent.")


def _addresses(ports: Ports, referral: Referral) -> tuple[str, ...]:
    """The patient's own address, and that of who asked for them as long as the chart says that they may.

    Raises ChartUnavailable, LaunchError: then nobody was written to, and it is tried again.
    """
    to = [referral.patient.email]
    who = referral.requester
    if who.role == "proxy":
        site = ports.directory.site(referral.site)
        on = ports.now().astimezone(ZoneInfo(site.timezone)).date()
        right = right_to_act(ports.charts.system(site.id), who.reference, referral.patient.reference, on)
        to.append(right.email if right.proven else "")
        if right.ended:
            with ports.store.transaction() as tx:
                tx.audit.write(ports.now(), who, "withhold-notice", referral.id, "notice", right.why)
    return tuple(dict.fromkeys(address for address in to if address))


PATIENT_NEWS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "accept": (
        ("An expert has your case", "An expert has taken your case. Sign in to see where it stands."),
        ("Un experto tiene su caso", "Un experto aceptó su caso. Entre para ver cómo va."),
    ),
    "decline": (
        ("Your case needs attention", "The expert could not take your case. Sign in to see why and what you can do."),
        ("Su caso necesita atención", "El experto no pudo aceptar su caso. Entre para ver por qué y qué puede hacer."),
    ),
    "ask": (
        ("The expert has a question", "The expert has a question for you. Sign in to answer it."),
        ("El experto tiene una pregunta", "El experto tiene una pregunta para usted. Entre para responderla."),
    ),
    "vouch": (
        ("You can go on", "The name on your pictures was checked. You can send them now. Nothing was sent yet."),
        ("Puede continuar", "Se revisó el nombre en sus imágenes. Ya puede enviarlas. Aún no se envió nada."),
    ),
    "override": (
        ("You can go on", "Your doctor decided that your case can go on. You can send your pictures now."),
        ("Puede continuar", "Su médico decidió que su caso puede continuar. Ya puede enviar sus imágenes."),
    ),
    "delivered": (
        ("Your opinion is here", "Your second opinion is ready to read. Sign in to read it."),
        ("Su opinión está lista", "Su segunda opinión está lista. Entre para leerla."),
    ),
}


def notify_desk(ports: Ports, owed: Owed) -> Outcome:
    """Something needs a named person at once. It also stands on the operator's page until it is closed."""
    referral = _read(ports, owed)
    stray = owed.arguments.get("why") == "stray"
    subject = "A report was not taken" if stray else "A case is held for an identity check"
    what = "got a report that does not fit it" if stray else "is held"
    tell_desk(ports, subject, f"Case {referral.case_number} {what}.")
    return Done("Told.") if referral.hidden or stray else Done("The check is closed already.")


def tell_desk(ports: Ports, subject: str, sentence: str) -> None:
    """A letter to every desk: a case number and no word of the case."""
    for organisation in ports.directory.organisations:
        if organisation.role == "operator" and organisation.email:
            text = f"{sentence} Sign in to see why.\n\n{ports.settings.base_url}/\n"
            ports.mail(Letter(organisation.email, subject, text))


def remind(ports: Ports, owed: Owed) -> Outcome:
    """Delivered is not read. After the agreed time the desk is asked to find a reader; then again."""
    referral = _read(ports, owed)
    version = int(owed.arguments["version"])
    if any(a.version >= version for a in referral.acknowledgements) or version < len(referral.opinions):
        return Done("It was read.")
    if referral.status is Status.IN_ERROR:
        return Done("It was taken back.")
    if referral.hidden:
        return Later(ports.now() + timedelta(hours=1), "The case is held for an identity check.")
    return Parked(f"Nobody has read version {version}. Call the doctor who asked, or the colleague who covers.")


def _read(ports: Ports, owed: Owed) -> Referral:
    with ports.store.reading() as tx:
        return tx.referrals.get(owed.referral_id)
