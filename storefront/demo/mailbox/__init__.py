"""The mailbox: an SMTP server that keeps what it gets, and a page to read it."""

from storefront.demo.mailbox.letters import Letter
from storefront.demo.mailbox.mailbox import Mailbox, running_mailbox

__all__ = ["Letter", "Mailbox", "running_mailbox"]
