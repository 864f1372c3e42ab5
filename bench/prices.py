"""The prices and quotas of AWS in us-east-1, with their sources, as of November 2026."""

from __future__ import annotations

from bench.environment import get_memory_mb

# https://aws.amazon.com/dynamodb/pricing/on-demand/ (standard table class)
WRITE_UNITS_USD = 0.625  # per million
READ_UNITS_USD = 0.125  # per million; a unit is a strongly consistent read of 4 KB
# https://aws.amazon.com/lambda/pricing/ (arm64)
LAMBDA_GB_S_USD = 0.0000133334
LAMBDA_REQUESTS_USD = 0.20  # per million
# https://aws.amazon.com/api-gateway/pricing/ (HTTP API, up to 512 KB per request)
HTTP_API_USD = 1.00  # per million

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
PARTITION_WRITE_UNITS = 1_000  # per second
PARTITION_READ_UNITS = 3_000  # per second
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
TABLE_WRITE_UNITS = 40_000  # per second, on demand; can be raised
TABLE_READ_UNITS = 40_000
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
ACCOUNT_REQUESTS = 10_000  # per second; can be raised
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
CONCURRENCY = 1_000  # can be raised

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: one vCPU at 1,769 MB
MEMORY_OF_A_CPU_MB = 1_769
CALL_S = 0.005
"""The assumed time of a call to DynamoDB in the same region. AWS only says "single-digit milliseconds"."""


def lambda_seconds(cpu: float, calls: float) -> float:
    """Return the billed seconds of a request, from its CPU seconds here and its number of calls to DynamoDB."""
    return cpu * MEMORY_OF_A_CPU_MB / get_memory_mb() + calls * CALL_S


def compute_usd(seconds: float) -> float:
    """Return what Lambda charges for billed seconds of the users function, in USD."""
    return seconds * get_memory_mb() / 1_024 * LAMBDA_GB_S_USD


def usd_of_a_million(read: float, write: float, seconds: float) -> tuple[float, float]:
    """Return the price of a million operations in USD: for DynamoDB, and for Lambda with API Gateway.

    ``read`` and ``write`` are the units of one operation, ``seconds`` its billed time.
    """
    table = read * READ_UNITS_USD + write * WRITE_UNITS_USD
    compute = compute_usd(seconds * 1e6) + LAMBDA_REQUESTS_USD + HTTP_API_USD
    return table, compute
