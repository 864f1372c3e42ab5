"""Ask IAM what the roles of the functions may do (``iam:SimulatePrincipalPolicy``)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deployment.smoke.accesses import Reading, list_accesses
from deployment.smoke.check import CheckFailed, NotApplicable
from deployment.smoke.permission_rules import FORBIDDEN_CALLS, REQUIRED_CALLS
from deployment.smoke.run import SmokeRun
from deployment.smoke.stack import FUNCTIONS, Stack

_KNOWN_KEYS = (Reading.PER_ITEM, Reading.POOLED)
"""The readings that a simulation can show. In the third one, IAM does not see the keys."""
_KMS_SERVICES = ("dynamodb", "secretsmanager", "sns", "sqs")


@dataclass(frozen=True)
class Question:
    """A question to IAM: may a function do this? ``context`` has the values of the condition keys."""

    function: str
    action: str
    resource: str
    context: frozenset[tuple[str, tuple[str, ...]]] = frozenset()

    def __str__(self) -> str:
        values = [value for _, values in sorted(self.context) for value in values]
        return f"{self.function}: {self.action} on {self.resource} {' '.join(values)}".rstrip()


@dataclass
class PolicySimulator:
    """Asks IAM, and remembers the answers. Functions with the same role have the same answers."""

    client: Any
    role_arns: Mapping[str, str]
    _answers: dict[tuple[str, str, str, Any], bool] = field(default_factory=dict)

    def is_allowed(self, question: Question) -> bool:
        """Return whether the role of the function allows the action."""
        role = self.role_arns[question.function]
        key = (role, question.action, question.resource, question.context)
        if key not in self._answers:
            self._answers[key] = self._simulate(role, question)
        return self._answers[key]

    def _simulate(self, role: str, question: Question) -> bool:
        response = self.client.simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=[question.action],
            ResourceArns=[question.resource],
            ContextEntries=[
                {"ContextKeyName": name, "ContextKeyValues": list(values), "ContextKeyType": _get_type(name)}
                for name, values in sorted(question.context)
            ],
        )
        return bool(response["EvaluationResults"][0]["EvalDecision"] == "allowed")


def check_required(run: SmokeRun) -> str:
    """Check that the roles allow the calls that the functions make."""
    simulator = _create_simulator(run)
    questions = [
        question
        for function, (operation, arguments) in REQUIRED_CALLS
        for reading in _KNOWN_KEYS
        for question in _list_questions(run.stack, function, operation, arguments, reading)
    ] + _list_required_actions(run)
    denied = [question for question in questions if not simulator.is_allowed(question)]
    if denied:
        raise CheckFailed(f"IAM denies {len(denied)} calls that the functions need: {_list_some(denied)}.")
    return f"{len(questions)} calls are allowed"


def check_forbidden(run: SmokeRun) -> str:
    """Check that the roles deny what the functions must not do, such as to write the settings of a customer."""
    simulator = _create_simulator(run)
    allowed: list[Question] = []
    count = 0
    for function, (operation, arguments) in FORBIDDEN_CALLS:
        for reading in _KNOWN_KEYS:
            questions = _list_questions(run.stack, function, operation, arguments, reading)
            count += 1
            # A call needs the permission for each of its items, so one denial is enough.
            if all(map(simulator.is_allowed, questions)):
                allowed += questions
    actions = _list_forbidden_actions(run)
    allowed += [question for question in actions if simulator.is_allowed(question)]
    if allowed:
        raise CheckFailed(f"IAM allows what the functions must not do: {_list_some(allowed)}.")
    return f"{count + len(actions)} calls are denied"


def check_key(run: SmokeRun) -> str:
    """Check that the roles may use ``KmsKeyArn`` with the services that hold the data, and not directly."""
    key = run.stack.parameters.get("KmsKeyArn")
    if not key:
        raise NotApplicable("KmsKeyArn is empty")
    simulator = _create_simulator(run)
    for function in FUNCTIONS:
        for service in _KMS_SERVICES:
            via = ("kms:ViaService", (f"{service}.{run.stack.region}.amazonaws.com",))
            question = Question(function, "kms:Decrypt", key, frozenset([via]))
            if not simulator.is_allowed(question):
                raise CheckFailed(f"IAM denies {question}.")
        direct = Question(function, "kms:Decrypt", key)
        if simulator.is_allowed(direct):
            raise CheckFailed(f"IAM allows {direct} without a service.")
    return f"{len(FUNCTIONS)} functions"


def _create_simulator(run: SmokeRun) -> PolicySimulator:
    return PolicySimulator(run.stack.create_client("iam"), run.stack.role_arns)


def _list_questions(
    stack: Stack, function: str, operation: str, arguments: Mapping[str, Any], reading: Reading
) -> list[Question]:
    """Return a question for each access of a call to DynamoDB."""
    return [
        Question(
            function,
            access.action,
            access.resource,
            frozenset((name, tuple(sorted(values))) for name, values in access.condition_values.items() if values),
        )
        for access in list_accesses(operation, arguments, reading, stack.table_arn)
    ]


def _list_required_actions(run: SmokeRun) -> list[Question]:
    """Return questions about the services other than DynamoDB."""
    stack = run.stack
    queues = {name: _build_queue_arn(stack, url) for name, url in stack.resources["AWS::SQS::Queue"].items()}
    secret = _build_secret_arn(stack, stack.outputs["SecretPrefix"] + "acme-AbCdEf")
    logs = stack.build_arn("logs", f"log-group:{stack.outputs['FunctionLogGroup']}:log-stream:smoke-test")
    return [
        *[Question(function, "logs:PutLogEvents", logs) for function in FUNCTIONS],
        *[Question(function, "secretsmanager:GetSecretValue", secret) for function in _list_token_readers()],
        Question("ChangesFunction", "events:PutEvents", stack.outputs["EventBusArn"]),
        Question("ChangesFunction", "sqs:SendMessage", queues["LinksQueue"]),
        Question("ChangesFunction", "sqs:SendMessage", queues["DeadLetterQueue"]),
        Question("LinksFunction", "sqs:SendMessage", queues["LinksDeadLetterQueue"]),
        Question("LinksFunction", "sqs:ReceiveMessage", queues["LinksQueue"]),
        Question("RotationFunction", "secretsmanager:UpdateSecretVersionStage", secret),
        Question("AdminFunction", "secretsmanager:CreateSecret", secret),
        Question("AdminFunction", "secretsmanager:GetSecretValue", stack.outputs["AdminPasswordSecret"]),
    ]


def _list_forbidden_actions(run: SmokeRun) -> list[Question]:
    """Return questions about the services other than DynamoDB, and about the table itself."""
    stack = run.stack
    queues = {name: _build_queue_arn(stack, url) for name, url in stack.resources["AWS::SQS::Queue"].items()}
    tenant_secret = _build_secret_arn(stack, stack.outputs["SecretPrefix"] + "acme-AbCdEf")
    other_secret = _build_secret_arn(stack, "another-application-AbCdEf")
    everywhere = [
        ("dynamodb:DeleteTable", stack.table_arn),
        ("dynamodb:Scan", stack.table_arn),
        ("dynamodb:GetItem", stack.build_arn("dynamodb", "table/another-application")),
        ("secretsmanager:GetSecretValue", other_secret),
        ("iam:PutRolePolicy", stack.role_arns["UsersFunction"]),
    ]
    return [
        *[Question(function, action, resource) for function in FUNCTIONS for action, resource in everywhere],
        *[
            Question(function, "events:PutEvents", stack.outputs["EventBusArn"])
            for function in FUNCTIONS
            if function != "ChangesFunction"
        ],
        *[
            Question(function, "sqs:SendMessage", queues["LinksQueue"])
            for function in FUNCTIONS
            if function not in ("ChangesFunction", "LinksFunction")
        ],
        *[
            Question(function, "secretsmanager:PutSecretValue", tenant_secret)
            for function in FUNCTIONS
            if function not in ("RotationFunction", "AdminFunction")
        ],
        *[
            Question(function, "secretsmanager:GetSecretValue", stack.outputs["AdminPasswordSecret"])
            for function in FUNCTIONS
            if function != "AdminFunction"
        ],
    ]


def _list_token_readers() -> list[str]:
    return [
        function for function in FUNCTIONS if function not in ("ChangesFunction", "LinksFunction", "HealthFunction")
    ]


def _build_queue_arn(stack: Stack, url: str) -> str:
    return stack.build_arn("sqs", url.rpartition("/")[2])


def _build_secret_arn(stack: Stack, name: str) -> str:
    return stack.build_arn("secretsmanager", f"secret:{name}")


def _list_some(questions: Iterable[Question]) -> str:
    """Return the first questions, since the others usually have the same cause."""
    return "; ".join(list(dict.fromkeys(map(str, questions)))[:3])


def _get_type(context_key: str) -> Literal["string", "stringList"]:
    """Return the type of a condition key of DynamoDB (Service Authorization Reference)."""
    return "string" if context_key == "dynamodb:Select" else "stringList"
