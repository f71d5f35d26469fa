"""Mail hosts that are easily mistyped: a suggestion, never a refusal."""

from difflib import get_close_matches

# Where most private letters go, and neighbours of theirs that exist as well.
HOSTS = (
    "gmail.com googlemail.com hotmail.com hotmail.es hotmail.fr outlook.com outlook.es "
    "outlook.pt live.com live.com.pt msn.com yahoo.com yahoo.es yahoo.fr yahoo.co.uk "
    "yahoo.com.br ymail.com icloud.com me.com mac.com proton.me protonmail.com gmx.com "
    "gmx.de gmx.net web.de mail.com email.com aol.com sapo.pt iol.pt uol.com "
    "uol.com.br bol.com.br terra.com telefonica.net orange.fr free.fr zoho.com"
).split()
# One letter of ten wrong, or two that changed places.
CLOSE = 0.84


def suggest_email(email: str) -> str | None:
    """Give the address that was probably meant, if its host looks mistyped."""
    mailbox, at, host = email.strip().lower().rpartition("@")
    if not at or not mailbox or host in HOSTS:
        return None
    close = get_close_matches(host, HOSTS, cutoff=CLOSE)
    return f"{mailbox}@{close[0]}" if close else None
