"""What AWS charges and allows, each with its source; read in November 2026, region us-east-1."""

from __future__ import annotations

from bench.environment import get_memory_mb

# https://aws.amazon.com/dynamodb/pricing/on-demand/ (standard table class)
WRITE_UNITS_USD = 0.625  # a million
READ_UNITS_USD = 0.125  # a million, each 4 KB read consistently
# https://aws.amazon.com/lambda/pricing/ (arm64)
LAMBDA_GB_S_USD = 0.0000133334
LAMBDA_REQUESTS_USD = 0.20  # a million
# https://aws.amazon.com/api-gateway/pricing/ (HTTP API, up to 512 KB a request)
HTTP_API_USD = 1.00  # a million

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
PARTITION_WRITE_UNITS = 1_000  # a second
PARTITION_READ_UNITS = 3_000  # a second
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
TABLE_WRITE_UNITS = 40_000  # a second, on demand; can be raised
TABLE_READ_UNITS = 40_000
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
ACCOUNT_REQUESTS = 10_000  # a second; can be raised
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
CONCURRENCY = 1_000  # can be raised

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: a whole vCPU at 1,769 MB
MEMORY_OF_A_CPU_MB = 1_769
# Not a promise of AWS's, which says "single-digit milliseconds": what a call to DynamoDB takes within a region.
CALL_S = 0.005


def lambda_seconds(cpu: float, calls: float) -> float:
    """Return the billed time of a request, from the CPU seconds that it takes here and its calls to DynamoDB."""
    return cpu * MEMORY_OF_A_CPU_MB / get_memory_mb() + calls * CALL_S


def usd_of_a_million(read: float, write: float, seconds: float) -> tuple[float, float]:
    """Return the price of a million operations: DynamoDB's part, and that of Lambda and API Gateway."""
    table = read * READ_UNITS_USD + write * WRITE_UNITS_USD
    compute = seconds * 1e6 * get_memory_mb() / 1_024 * LAMBDA_GB_S_USD + LAMBDA_REQUESTS_USD + HTTP_API_USD
    return table, compute
