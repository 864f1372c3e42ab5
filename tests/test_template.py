"""The template and the sample events, held against the code: handlers, routes, rights, variables."""

import ast
import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aws_lambda_powertools.shared import constants
from botocore import xform_name

from local.functions.spec import FunctionSpec
from local.gateway.event import Request, build_event
from local.gateway.routes import Routes
from local.template import Intrinsic, Template
from scim.access import tokens
from scim.settings import Settings

ROOT = Path(__file__).parent.parent
