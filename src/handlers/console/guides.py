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

    ``navigation`` is the way to the form, ``fields`` are its labels and values, ``next_steps`` come after the form. A
    value may have several lines.
    """

    title: str
    navigation: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    next_steps: tuple[str, ...]


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
            "Test Connection, then Create.",
            "Attribute mapping: open the one for groups and set Enabled to No. Keep userName as the matching attribute "
            "and the mapping of active.",
            "Users and groups: assign people, or groups whose direct members are to come.",
            "Provision on demand for one person, then Start provisioning.",
        ),
    ),
    "okta": Guide(
        "Okta",
        (
            "A custom application of type SAML or SWA: General > App Settings > Edit, Provisioning: SCIM",
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
            "Test Connector Configuration, then Save.",
            "Provisioning > To App: Create Users, Update User Attributes, Deactivate Users. Sync Password stays off.",
            "Assign people or groups under Assignments; nothing under Push Groups.",
        ),
    ),
    "onelogin": Guide(
        "OneLogin",
        ("Applications > Add App > SCIM Provisioner with SAML (SCIM v2 Enterprise)", "Configuration"),
        (
            ("SCIM Base URL", URL_PLACEHOLDER),
            ("SCIM Bearer Token", TOKEN_PLACEHOLDER),
            ("SCIM JSON Template", _ONELOGIN_TEMPLATE),
        ),
        (
            "Save, then API Status: Enable.",
            "Parameters: the SCIM username is the email. Provisioning: Enable provisioning.",
            "Access: the roles whose members are to come.",
        ),
    ),
    "jumpcloud": Guide(
        "JumpCloud",
        ("SSO Applications > Add New Application > Custom Application", "Identity Management"),
        (("SCIM Version", "SCIM 2.0"), ("Base URL", URL_PLACEHOLDER), ("Token Key", TOKEN_PLACEHOLDER)),
        (
            "Enable management of User Groups and Group Membership in this application: off.",
            "Test Connection, Activate, Save.",
            "User Groups: the groups whose members are to come.",
        ),
    ),
    "google": Guide(
        "Google Workspace",
        ("Apps > Web and mobile apps > the application > Configure autoprovisioning",),
        (("Access token", TOKEN_PLACEHOLDER), ("Endpoint URL", URL_PLACEHOLDER)),
        (
            "App attributes: userName is the Primary email; first and last name.",
            "Provisioning scope: the groups whose members are to come; none for everybody.",
            "Finish, User access on for those concerned, and set Autoprovisioning to Active.",
        ),
    ),
    "ping": Guide(
        "PingFederate, PingOne",
        (
            "PingFederate: the SP connection's provisioning target, with the SCIM Provisioner",
            "PingOne: Integrations > Provisioning > New connection > Identity Store > SCIM Outbound",
        ),
        (
            ("SCIM URL", URL_PLACEHOLDER),
            ("SCIM base URL", URL_PLACEHOLDER),
            ("Users resource", "/Users"),
            ("Authentication method", "OAuth 2 Bearer Token"),
            ("Access Token", TOKEN_PLACEHOLDER),
            ("OAuth Access Token", TOKEN_PLACEHOLDER),
            ("Auth Type Header", "Bearer"),
            ("User filter", 'username Eq "%s"'),
        ),
        ("Leave groups out of the channel's source location, or make a rule without groups.",),
    ),
    "sailpoint": Guide(
        "SailPoint",
        ("A source of type SCIM 2.0",),
        (("Base URL", URL_PLACEHOLDER), ("Authentication Type", "API Token"), ("API Token", TOKEN_PLACEHOLDER)),
        ("Test Connection, then discover the schema and aggregate accounts.",),
    ),
    "auth0": Guide(
        "Auth0",
        ("Event Streams > Create Event Stream > Auth0 Actions: user.created, user.updated, user.deleted", "Secrets"),
        (("SCIM_BASE_URL", URL_PLACEHOLDER), ("SCIM_BEARER_TOKEN", TOKEN_PLACEHOLDER)),
        (
            "Paste the code of auth0.com/docs/customize/events/send-outbound-scim, adapt buildScimUser() if need be, "
            "Save Draft.",
            "Send the users who are there already, once: the stream only knows what happens from then on.",
            "Deploy.",
        ),
    ),
    "authentik": Guide(
        "authentik",
        ("Applications > Applications > New Application, type SCIM",),
        (("URL", URL_PLACEHOLDER), ("Token", TOKEN_PLACEHOLDER), ("SCIM Compatibility Mode", "Default")),
        (
            "Group Property Mappings: one of your own, with the expression raise SkipObject.",
            "Edit the application: Backchannel providers, the provider.",
            "Bind the users or groups that are to come; without any, everybody comes.",
        ),
    ),
    "keycloak": Guide(
        "Keycloak",
        (
            "Put the jar of keycloak-scim into providers/, add scim to the Event listeners of the realm",
            "User federation > Add provider > scim",
        ),
        (
            ("SCIM 2.0 endpoint", URL_PLACEHOLDER),
            ("Endpoint content type", "application/scim+json"),
            ("Auth mode", "BEARER"),
            ("Auth password/token", TOKEN_PLACEHOLDER),
        ),
        ("Enable user propagation: on.", "Enable group propagation: off."),
    ),
    "ibm": Guide(
        "IBM Verify",
        ("Applications > Add application > Custom Application, its account lifecycle",),
        (("SCIM Base URL", URL_PLACEHOLDER), ("OAuth Bearer Token", TOKEN_PLACEHOLDER)),
        ("Map at least userName, name.givenName, name.familyName and the work email; assign people.",),
    ),
    "peakon": Guide(
        "Moving from Workday Peakon",
        ("In the identity provider replace Peakon's values",),
        (("SCIM 2.0 URL", URL_PLACEHOLDER), ("OAuth Bearer Token", TOKEN_PLACEHOLDER)),
        ("Entra's gallery application Peakon becomes a new non-gallery application.",),
    ),
}
