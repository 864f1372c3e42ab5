"""Set-up guides for identity providers, shortened from ``docs/use/identity-providers``. Tests compare the two."""

from __future__ import annotations

from dataclasses import dataclass

URL_PLACEHOLDER, TOKEN_PLACEHOLDER = "{url}", "{token}"
"""The placeholders for the SCIM URL and for the token."""


# {$user...} and {$parameters...} are OneLogin's macros.
_ONELOGIN_TEMPLATE = """\
{
  "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
              "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
  "userName": "{$parameters.scimusername}",
  "name": {"givenName": "{$user.firstname}", "familyName": "{$user.lastname}"},
  "displayName": "{$user.display_name}",
  "emails": [{"value": "{$user.email}", "type": "work", "primary": true}],
  "title": "{$parameters.title}",
  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
    "department": "{$parameters.department}",
    "manager": {"value": "{$parameters.external_manager_id}"}
  }
}"""


@dataclass(frozen=True, slots=True)
class Guide:
    """The guide of one identity provider.

    ``navigation`` are the steps that lead to the form, ``fields`` are its labels and values, ``next_steps`` come after
    the form. A value may have several lines. If a guide is for two products, each label starts with the product.
    ``mapping`` are fields of the identity provider, each with the SCIM attribute that it is mapped to.
    """

    title: str
    navigation: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    next_steps: tuple[str, ...]
    mapping: tuple[tuple[str, str], ...] = ()


_WORK_EMAIL = 'emails[type eq "work"].value'
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_GENERAL_MAPPING = (
    ("an attribute that every user has", "userName"),
    ("the first name", "name.givenName"),
    ("the last name", "name.familyName"),
    ("the work email", _WORK_EMAIL),
)

GUIDES = {
    "entra": Guide(
        "Microsoft Entra ID",
        (
            "Enterprise apps > New application > Create your own application > Integrate any other application you "
            "don't find in the gallery",
            "Provisioning > New configuration",
        ),
        (("Tenant URL", URL_PLACEHOLDER), ("Secret Token", TOKEN_PLACEHOLDER)),
        (
            "Select Test Connection, then Create.",
            "Attribute mapping: in the mapping for groups, set Enabled to No. In the mapping for users, keep userName "
            "as the matching attribute, and keep the mapping of active.",
            "Users and groups: assign users, or groups. Only direct members of a group are provisioned.",
            "Provision on demand for one user, then select Start provisioning.",
        ),
        (
            ("userPrincipalName", "userName"),
            ('Switch([IsSoftDeleted], , "False", "True", "True", "False")', "active"),
            ("displayName", "displayName"),
            ("givenName", "name.givenName"),
            ("surname", "name.familyName"),
            ("mail", _WORK_EMAIL),
            ("jobTitle", "title"),
            ("department", f"{_ENTERPRISE}:department"),
            ("manager", f"{_ENTERPRISE}:manager"),
        ),
    ),
    "okta": Guide(
        "Okta",
        (
            "In a custom application of type SAML or SWA: General > App Settings > Edit. For Provisioning, choose "
            "SCIM.",
            "Provisioning > Integration > Edit",
        ),
        (
            ("SCIM connector base URL", URL_PLACEHOLDER),
            ("Unique identifier field for users", "userName"),
            ("Supported provisioning actions", "Push New Users, Push Profile Updates"),
            ("Authentication Mode", "HTTP Header"),
            ("Authorization", TOKEN_PLACEHOLDER),
        ),
        (
            "Authorization: enter the token without the word Bearer.",
            "Select Test Connector Configuration, then Save.",
            "Provisioning > To App: turn on Create Users, Update User Attributes and Deactivate Users. Leave Sync "
            "Password off.",
            "Assignments: assign people or groups. Do not add anything under Push Groups.",
        ),
        (
            ("Application username", "userName"),
            ("user.firstName", "name.givenName"),
            ("user.lastName", "name.familyName"),
            ("user.email", _WORK_EMAIL),
            ("user.displayName", "displayName"),
            ("user.title", "title"),
            ("user.department", f"{_ENTERPRISE}:department"),
        ),
    ),
    "onelogin": Guide(
        "OneLogin",
        ("Applications > Add App > SCIM Provisioner with SAML (SCIM v2 Enterprise)", "Open Configuration"),
        (
            ("SCIM Base URL", URL_PLACEHOLDER),
            ("SCIM Bearer Token", TOKEN_PLACEHOLDER),
            ("SCIM JSON Template", _ONELOGIN_TEMPLATE),
        ),
        (
            "Save, then select Enable for API Status.",
            "Parameters: map the SCIM username to the email. Provisioning: select Enable provisioning.",
            "Access: select the roles whose members to provision.",
        ),
        (
            ("SCIM username", "userName"),
            ("{$user.firstname}", "name.givenName"),
            ("{$user.lastname}", "name.familyName"),
            ("{$user.display_name}", "displayName"),
            ("{$user.email}", _WORK_EMAIL),
        ),
    ),
    "jumpcloud": Guide(
        "JumpCloud",
        ("SSO Applications > Add New Application > Custom Application", "Open Identity Management"),
        (("SCIM Version", "SCIM 2.0"), ("Base URL", URL_PLACEHOLDER), ("Token Key", TOKEN_PLACEHOLDER)),
        (
            "Turn off Enable management of User Groups and Group Membership in this application.",
            "Select Test Connection, Activate and Save.",
            "User Groups: select the groups whose members to provision.",
        ),
        (
            ("username", "userName"),
            ("firstname", "name.givenName"),
            ("lastname", "name.familyName"),
            ("email", _WORK_EMAIL),
        ),
    ),
    "google": Guide(
        "Google Workspace",
        ("Apps > Web and mobile apps > the application > Configure autoprovisioning",),
        (("Access token", TOKEN_PLACEHOLDER), ("Endpoint URL", URL_PLACEHOLDER)),
        (
            "App attributes: map userName to Primary email, and map the first and last name.",
            "Provisioning scope: select the groups whose members to provision, or leave it empty for all users.",
            "Select Finish. Turn User access on for the users to provision, and set Autoprovisioning to Active.",
        ),
        (
            ("Primary email", "userName"),
            ("First name", "name.givenName"),
            ("Last name", "name.familyName"),
        ),
    ),
    "ping": Guide(
        "PingFederate, PingOne",
        (
            "PingFederate: the provisioning target of the SP connection, with the SCIM Provisioner",
            "PingOne: Integrations > Provisioning > New connection > Identity Store > SCIM Outbound",
        ),
        (
            ("PingFederate: SCIM URL", URL_PLACEHOLDER),
            ("PingFederate: Authentication Methods", "OAuth 2 Bearer Token"),
            ("PingFederate: Access Token", TOKEN_PLACEHOLDER),
            ("PingOne: SCIM base URL", URL_PLACEHOLDER),
            ("PingOne: Users resource", "/Users"),
            ("PingOne: Authentication method", "OAuth 2 Bearer Token"),
            ("PingOne: OAuth Access Token", TOKEN_PLACEHOLDER),
            ("PingOne: Auth Type Header", "Bearer"),
            ("PingOne: User filter", 'username Eq "%s"'),
        ),
        (
            "PingFederate: do not add groups to the channel's source location.",
            "PingOne: select Test connection, then create a rule without groups.",
        ),
        (
            ("PingOne: Username", "userName"),
            ("PingOne: Given Name", "name.givenName"),
            ("PingOne: Family Name", "name.familyName"),
            ("PingOne: Email Address", _WORK_EMAIL),
        ),
    ),
    "sailpoint": Guide(
        "SailPoint",
        ("Create a source of type SCIM 2.0",),
        (("Base URL", URL_PLACEHOLDER), ("Authentication Type", "API Token"), ("API Token", TOKEN_PLACEHOLDER)),
        ("Select Test Connection, then discover the schema and aggregate accounts.",),
        _GENERAL_MAPPING,
    ),
    "auth0": Guide(
        "Auth0",
        (
            "Event Streams > Create Event Stream > Auth0 Actions, with user.created, user.updated and user.deleted",
            "Paste the template from auth0.com/docs/customize/events/send-outbound-scim, and adapt buildScimUser() if "
            "needed",
            "Open Secrets in the editor",
        ),
        (("SCIM_BASE_URL", URL_PLACEHOLDER), ("SCIM_BEARER_TOKEN", TOKEN_PLACEHOLDER)),
        (
            "Select Save Draft.",
            "Send the existing users once, because the stream only receives later changes.",
            "Select Deploy.",
        ),
        (("email", "userName"),),
    ),
    "authentik": Guide(
        "authentik",
        (
            "Customization > Property Mappings: create a group property mapping with the expression raise SkipObject",
            "Applications > Applications > New Application, type SCIM",
        ),
        (("URL", URL_PLACEHOLDER), ("Token", TOKEN_PLACEHOLDER), ("SCIM Compatibility Mode", "Default")),
        (
            "Group Property Mappings: select the mapping from the first step.",
            "Edit the application: add the provider under Backchannel providers.",
            "Bind the users or groups to provision. Without a binding, authentik synchronizes all users.",
        ),
        (
            ("request.user.username", "userName"),
            ("request.user.name", "displayName"),
            ("request.user.is_active", "active"),
            ("request.user.email", "emails"),
        ),
    ),
    "keycloak": Guide(
        "Keycloak",
        (
            "Copy the jar of the extension keycloak-scim into providers/, and add scim to the Event listeners of the "
            "realm",
            "User federation > Add provider > scim",
        ),
        (
            ("SCIM 2.0 endpoint", URL_PLACEHOLDER),
            ("Endpoint content type", "application/scim+json"),
            ("Auth mode", "BEARER"),
            ("Auth password/token", TOKEN_PLACEHOLDER),
        ),
        ("Turn Enable user propagation on.", "Turn Enable group propagation off."),
    ),
    "ibm": Guide(
        "IBM Verify",
        ("Applications > Add application > Custom Application, then its account lifecycle",),
        (("SCIM Base URL", URL_PLACEHOLDER), ("OAuth Bearer Token", TOKEN_PLACEHOLDER)),
        (
            "Map at least userName, name.givenName, name.familyName and the work email.",
            "Assign people under entitlements.",
        ),
        _GENERAL_MAPPING,
    ),
    "peakon": Guide(
        "Moving from Workday Peakon",
        ("In the identity provider, open the form that has the values of Peakon",),
        (("SCIM 2.0 URL", URL_PLACEHOLDER), ("OAuth Bearer Token", TOKEN_PLACEHOLDER)),
        ("In Entra ID, replace the gallery application Peakon with a new non-gallery application.",),
        _GENERAL_MAPPING,
    ),
}


def build_colleague_message(guide: Guide, scim_url: str, product_name: str = "") -> str:
    """Return a message to the colleague who administers the identity provider. It does not contain the token.

    ``product_name`` is the product to which users are provisioned, empty if it is not known.
    """
    values = [
        f"- {label}: {_describe_value(value, scim_url)}" for label, value in guide.fields if value != _ONELOGIN_TEMPLATE
    ]
    lines = [
        f"Please set up user provisioning (SCIM){f' for {product_name}' if product_name else ''} in {guide.title}.",
        "",
        *guide.navigation,
        "",
        "Enter these values:",
        *values,
        "",
        *_list_mapping(guide),
        *guide.next_steps,
    ]
    return "\n".join(lines)


def _list_mapping(guide: Guide) -> list[str]:
    rows = [f"- {field} -> {attribute}" for field, attribute in guide.mapping]
    return ["Map these attributes:", *rows, ""] if rows else []


def _describe_value(value: str, scim_url: str) -> str:
    if value == TOKEN_PLACEHOLDER:
        return "the token, which I send you separately, not in this message."
    return scim_url if value == URL_PLACEHOLDER else value
