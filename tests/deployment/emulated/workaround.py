"""The workarounds for gaps of the emulator."""

from enum import StrEnum


class Workaround(StrEnum):
    """A function of ``emulator.py`` that closes a gap of ministack."""

    SET_SECRET_VERSION = "set_secret_version"
    REFERENCE_SECRETS_BY_ARN = "reference_secrets_by_arn"
    CREATE_ROUTES_OF_BODY = "create_routes_of_body"
    CREATE_METRIC_MATH_ALARMS = "create_metric_math_alarms"
    CREATE_CODEDEPLOY_RESOURCES = "create_codedeploy_resources"
    MATCH_JSON_PATTERNS = "match_json_patterns"
    PUBLISH_FILTERED_METRICS = "publish_filtered_metrics"
    PUBLISH_ITERATOR_AGE = "publish_iterator_age"
    SIMULATE_WITH_CONTEXT = "simulate_with_context"
    TREAT_MISSING_DATA = "treat_missing_data"
    WRITE_ACCESS_LOG = "write_access_log"
    RUN_FUNCTIONS_IN_LAMBDA_PYTHON = "run_functions_in_lambda_python"
    ROTATE_SECRETS_BY_FUNCTION = "rotate_secrets_by_function"
    ALLOW_BATCHES_OF_MESSAGES = "allow_batches_of_messages"
    PASS_COOKIES_AS_LIST = "pass_cookies_as_list"
    RETRY_FAILED_STREAM_RECORDS = "retry_failed_stream_records"
    REQUIRE_ROTATION_PERMISSION = "require_rotation_permission"
