"""The product that customers are provisioned to, as the console shows it to IT admins."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
MAX_LENGTH = 200
"""The maximum number of characters of each text."""


@dataclass(frozen=True, slots=True)
class Product:
    """The name of the product, and where IT admins get help: an email address, an https URL, or other text.

    Both are empty until an operator sets them.
    """

    name: str = ""
    support_contact: str = ""

    @property
    def support_link(self) -> str:
        """The URL that leads to the support, empty if the contact is neither an email address nor an https URL."""
        contact = self.support_contact
        if contact.startswith("https://") and " " not in contact:
            return contact
        return f"mailto:{contact}" if _ADDRESS.fullmatch(contact) else ""


def parse_product(name: str, support_contact: str) -> Product:
    """Return the product with these texts. Raise ``ValueError`` if one is too long or has control characters."""
    product = Product(name.strip(), support_contact.strip())
    for text in (product.name, product.support_contact):
        if len(text) > MAX_LENGTH or not text.isprintable():
            raise ValueError(f"Each text has at most {MAX_LENGTH} characters, in one line.")
    return product
