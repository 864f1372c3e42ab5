"""Check how operators connect customers, and how Secrets Manager rotates tokens."""

from datetime import UTC, datetime

from botocore.exceptions import ClientError

from deployment.smoke.check import CheckFailed
from deployment.smoke.run import SmokeRun


def check_connect(run: SmokeRun) -> str:
    """Connect the throw-away customer, as ``muster connect`` does."""
    tenants = run.deployment.build_administration().tenants
    issued = tenants.connect(run.run_id)
    tenants.tokens.mark_revealed(issued)
    run.tokens.append(issued.token)
    return run.run_id


def check_rotation(run: SmokeRun) -> str:
    """Let Secrets Manager rotate the token, and check that the new and the previous token are accepted.

    Secrets Manager invokes the function for each of the four steps, with the permission of the template.
    """
    client = run.stack.create_client("secretsmanager")
    before = client.get_secret_value(SecretId=run.secret_name)["VersionId"]
    try:
        version = client.rotate_secret(
            SecretId=run.secret_name,
            RotationLambdaARN=run.stack.outputs["RotationFunctionArn"],
            RotationRules={"AutomaticallyAfterDays": 90},
        )["VersionId"]
    except ClientError as error:
        raise CheckFailed(f"Secrets Manager cannot start the rotation: {error}.") from error

    def find_finished_rotation() -> bool | None:
        stages = client.describe_secret(SecretId=run.secret_name)["VersionIdsToStages"]
        return True if "AWSCURRENT" in stages.get(version, []) and version != before else None

    run.wait_for("The new version of the secret", find_finished_rotation)
    tenants = run.deployment.build_administration().tenants
    issued = tenants.tokens.rotate(run.run_id)  # returns the token of this rotation, which was not shown yet
    if issued.version_id != version or issued.token in run.tokens:
        raise CheckFailed("The token after the rotation is not that of the rotation.")
    tenants.tokens.mark_revealed(issued)
    run.tokens.append(issued.token)
    for token in run.tokens:
        run.client.with_token(token).send("GET", "/Users?count=1").require_status(200)
    until = datetime.fromtimestamp(issued.previous_expires or 0, UTC)
    return f"the previous token is valid until {until:%Y-%m-%d %H:%M} UTC"
