"""The page about the product: its name and its support contact, which IT admins see."""

from __future__ import annotations

from http import HTTPStatus

from handlers.console.context import ConsoleRequestContext
from handlers.console.outcomes import Outcome
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.service.console.product import Product, parse_product


def show_product(context: ConsoleRequestContext) -> ConsoleResponse:
    """Show the form with the name of the product and the support contact."""
    context.require_operator()
    return _render_form(context, context.administration.console_store.get_product())


def save_product(context: ConsoleRequestContext) -> ConsoleResponse:
    """Save the name of the product and the support contact."""
    form = context.request.form
    name, support_contact = form.get("name", ""), form.get("support", "")
    try:
        product = parse_product(name, support_contact)
    except ValueError as error:
        return _render_form(context, Product(name, support_contact), HTTPStatus.BAD_REQUEST, str(error))
    context.administration.console_store.set_product(product)
    return redirect_to_page("product", outcome=Outcome.SETTINGS_SAVED)


def _render_form(
    context: ConsoleRequestContext, product: Product, status: HTTPStatus = HTTPStatus.OK, error_text: str = ""
) -> ConsoleResponse:
    return context.render_page("product.html", status, form_product=product, error_text=error_text)
