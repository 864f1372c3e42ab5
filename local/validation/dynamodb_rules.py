"""The rules of DynamoDB that a request can violate, with the limits.

Sources:

- Amazon DynamoDB developer guide: "Quotas", "Constraints", "Expressions", "Reserved words", "Item sizes and formats"
  and "Secondary indexes"
- Amazon DynamoDB API reference: Query, GetItem, BatchGetItem, BatchWriteItem, PutItem, UpdateItem, DeleteItem,
  TransactWriteItems and AttributeValue

Some limits need no rule, because no request of Muster can violate them. The template fixes the tables, the indexes and
their names. After 1 MB of a query and 16 MB of BatchGetItem, DynamoDB answers with a part. Throughput is not a rule for
one request.
"""

from enum import Enum

from local.validation import Violation

MAX_ITEM_BYTES = 400 * 1024
MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES = 2_048, 1_024
MAX_NAME_BYTES = 65_535
MAX_KEY_NAME_CHARACTERS = 255
MAX_NESTING = 32
MAX_DIGITS = 38
EXPONENTS = range(-130, 126)
MAX_EXPRESSION_BYTES = 4 * 1024
MAX_OPERATORS = 300
MAX_IN_OPERANDS = 100
MAX_PLACEHOLDER_BYTES = 255
MAX_VARIABLES_BYTES = 2 * 1024 * 1024
MAX_GET_ITEMS, MAX_WRITE_ITEMS, MAX_TRANSACTION_ITEMS = 100, 25, 100
MAX_BATCH_BYTES = 16 * 1024 * 1024
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_LIMIT = 2**31 - 1
MAX_TOKEN_CHARACTERS = 36
INDEX_ATTRIBUTES = frozenset({"pk", "sk", "time", "handles"})
"""The attributes that the index of the template contains."""


class Rule(Enum):
    """A rule, with the message of the error. DynamoDB's own messages are similar."""

    # Keys, items and values
    KEY_SCHEMA = "The provided key element does not match the schema: {detail}"
    KEY_SIZE = "the key {name} has {size} bytes; it must have 1 to {limit}"
    ITEM_SIZE = f"Item size has exceeded the maximum allowed size: {{size}} of {MAX_ITEM_BYTES} bytes"
    NAME_SIZE = f"the attribute name {{name}} has {{size}} bytes; it must have 1 to {MAX_NAME_BYTES}"
    VALUE_TYPE = "Supplied AttributeValue must contain exactly one of the supported datatypes"
    NULL_VALUE = "Null attribute value types must have the value of true"
    NESTING = f"Nesting Levels have exceeded supported limits: more than {MAX_NESTING}"
    EMPTY_SET = "One or more parameter values were invalid: An {kind} may not be empty"
    DUPLICATE_MEMBERS = "Input collection contains duplicates"
    TEXT = "a string contains a surrogate, which is not a Unicode character"
    NUMBER_FORMAT = "The parameter cannot be converted to a numeric value"
    NUMBER_DIGITS = f"Attempting to store more than {MAX_DIGITS} significant digits in a Number"
    NUMBER_MAGNITUDE = "Number overflow or underflow: the magnitude must be from 1E-130 to 9.9E+125"

    # Expressions
    EMPTY_EXPRESSION = "Invalid {name}: The expression can not be empty"
    EXPRESSION_SIZE = (
        f"Invalid {{name}}: Expression size has exceeded the maximum allowed size of {MAX_EXPRESSION_BYTES} bytes"
    )
    OPERATORS = f"Invalid {{name}}: The expression contains {{number}} operators, more than {MAX_OPERATORS}"
    IN_OPERANDS = f"Invalid {{name}}: the IN operator takes {MAX_IN_OPERANDS} operands"
    PATH_DEPTH = f"Invalid {{name}}: a document path has more than {MAX_NESTING} levels"
    REDUNDANT_PARENTHESES = "Invalid {name}: The expression has redundant parentheses"
    RESERVED_WORD = "Invalid {name}: Attribute name is a reserved keyword; reserved keyword: {word}"
    OVERLAPPING_PATHS = "Invalid {name}: Two document paths overlap with each other"
    REPEATED_SECTION = 'Invalid UpdateExpression: The "{section}" section can only be used once in an update expression'
    OPERAND_TYPE = "Invalid UpdateExpression: Incorrect operand type for operator {section}: {kind}"
    KEY_UPDATE = "Cannot update attribute {name}. This attribute is part of the key"
    KEY_IN_FILTER = "Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
    MISSING_EXPRESSION = "{action} has no {name}"
    PLACEHOLDER_SYNTAX = "{name} contains invalid key: Syntax error; key: {key}"
    PLACEHOLDER_SIZE = f"{{name}} has placeholders of more than {MAX_PLACEHOLDER_BYTES} bytes: {{keys}}"
    VARIABLES_SIZE = "the expression attribute names and values have more than 2 MB"
    EMPTY_PLACEHOLDERS = "{name} must not be empty"
    PLACEHOLDERS_WITHOUT_EXPRESSION = "{name} can only be specified when using expressions"
    UNUSED_PLACEHOLDERS = "unused in expressions: {keys} of {name}"
    UNDEFINED_PLACEHOLDERS = "{name} does not define {keys}"

    # Requests
    LIMIT = f"Limit must be from 1 to {MAX_LIMIT}"
    SELECT = "Cannot specify the ProjectionExpression when choosing to get only the Count"
    CONSISTENT_INDEX = "Consistent reads are not supported on global secondary indexes"
    INDEX_PROJECTION = "the index does not contain {names}"
    RANGE_ORDER = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
    START_KEY = "The provided starting key is invalid"
    START_KEY_RANGE = "The provided starting key is outside query boundaries based on provided conditions"
    RETURN_VALUES = "Return values set to invalid value"
    ITEM_COUNT = "the request has {number} items; it must have 1 to {limit}"
    DUPLICATE_ITEMS = "the list of item keys contains duplicates"
    BATCH_BYTES = "the items of a batch have more than 16 MB"
    TRANSACTION_BYTES = "the items of a transaction have {size} bytes, more than 4 MB"
    TRANSACTION_ACTION = "TransactItems can only contain one of Check, Put, Update or Delete"
    CLIENT_TOKEN = f"ClientRequestToken must have 1 to {MAX_TOKEN_CHARACTERS} characters"

    def violate(self, **values: object) -> Violation:
        """Return the violation of this rule. ``values`` are those of the message."""
        return Violation("ValidationException", self.value.format(**values), self.name)
