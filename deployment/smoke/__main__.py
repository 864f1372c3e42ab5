"""Run the smoke test against a stack: ``python -m deployment.smoke --stack NAME``."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cli.deployment import StackNotFound, connect_stack
from deployment.smoke.check import Outcome, Result, run_checks, select_checks
from deployment.smoke.checks import CHECKS
from deployment.smoke.cleanup import Cleaner
from deployment.smoke.report import format_table
from deployment.smoke.run import DEFAULT_WAIT_S, SmokeRun
from deployment.smoke.stack import Stack
from scim.aws.errors import AwsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks, remove what they created, print the table, and return the exit code."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # pipelines end their steps with SIGTERM
    try:
        checks = select_checks(CHECKS, options.only) if options.only else CHECKS
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        deployment = connect_stack(options.stack, options.profile, options.region)
        session = boto3.Session(profile_name=options.profile, region_name=options.region)
        stack = Stack(session, options.stack)
        run = SmokeRun(stack, deployment, options.url or deployment.scim_url, options.wait)
        cleaner = Cleaner(stack, deployment)
        results = list(_remove_leftovers(cleaner))
    except (StackNotFound, AwsError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    try:
        for result in run_checks(checks, run):
            print(f"{result.name}: {result.outcome}", file=sys.stderr)
            results.append(result)
    finally:
        results.append(_clean(cleaner, run.run_id))
        print(format_table(results))
    return int(any(result.outcome in (Outcome.FAILED, Outcome.NOT_RUN) for result in results))


def _parse(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(prog="make smoke", description="Check a deployed stack.")
    parser.add_argument("--stack", required=True, help="the name of the stack")
    parser.add_argument("--region", help="the region of the stack")
    parser.add_argument("--profile", help="a profile of your AWS configuration")
    parser.add_argument("--only", help="run only this check and those that it requires")
    parser.add_argument("--url", help="the SCIM URL, if it is not the output ScimUrl")
    parser.add_argument(
        "--wait",
        type=float,
        default=DEFAULT_WAIT_S,
        help="seconds to wait for an event, a log line or a metric",
    )
    return parser.parse_args(arguments)


def _remove_leftovers(cleaner: Cleaner) -> list[Result]:
    """Remove what interrupted runs have left. Return a result if there were any."""
    abandoned = cleaner.list_abandoned_runs()
    if not abandoned:
        return []
    left = [line for run_id in abandoned for line in cleaner.remove(run_id)]
    return [_build_result("earlier runs", left, f"removed {', '.join(abandoned)}")]


def _clean(cleaner: Cleaner, run_id: str) -> Result:
    print("Removing what the run created. Please wait.", file=sys.stderr)
    started = time.monotonic()
    result = _build_result("clean up", cleaner.remove(run_id), "removed everything that the run created")
    return replace(result, seconds=time.monotonic() - started)


def _build_result(name: str, left: list[str], success: str) -> Result:
    if left:
        return Result(name, Outcome.FAILED, 0.0, f"Still there, please remove it: {'; '.join(left)}")
    return Result(name, Outcome.PASSED, 0.0, success)


if __name__ == "__main__":
    sys.exit(main())
