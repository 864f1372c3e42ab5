"""The comparison of recordings."""

from tests.recorder.__main__ import AllowedDifference, compare, number_random_values

RENAMED = AllowedDifference(
    files="commands*", pattern="old name", replacement="new name", reason="It is a standard term."
)


def test_equal_recordings_have_no_difference() -> None:
    assert list(compare({"a.txt": "200\n"}, {"a.txt": "200\n"}, [])) == []


def test_changed_line_is_shown() -> None:
    lines = list(compare({"a.txt": "200\nok"}, {"a.txt": "201\nok"}, []))
    assert lines[2:] == ["@@ -1,2 +1,2 @@", "-200", "+201", " ok"]


def test_missing_and_new_recordings_are_shown() -> None:
    lines = list(compare({"a.txt": "1"}, {"b.txt": "2"}, []))
    assert [line for line in lines if line[0] in "+-" and line[1] not in "+-"] == ["-1", "+2"]


def test_allowed_difference_is_none() -> None:
    assert list(compare({"commands.txt": "2 old name"}, {"commands.txt": "2 new name"}, [RENAMED])) == []


def test_allowed_difference_counts_in_its_files_only() -> None:
    assert list(compare({"events.txt": "old name"}, {"events.txt": "new name"}, [RENAMED]))


def test_text_that_may_differ_is_masked_in_both() -> None:
    masked = RENAMED.model_copy(update={"pattern": ">[^<]*<", "replacement": "><", "in_both": True})
    assert list(compare({"commands.txt": "<b>old</b>"}, {"commands.txt": "<b>new</b>"}, [masked])) == []
    assert list(compare({"commands.txt": "<b>old</b>"}, {"commands.txt": "<i>old</i>"}, [masked]))


def test_random_values_are_numbered() -> None:
    first, second = "0d387dd4-5ce3-41e9-8a25-99abf5fd9930", "fc91baef-ae17-4bf7-9934-0f6cf6c1f981"
    texts = [f"{one} {two} {one} aa202f4a 2026-06-01" for one, two in ((first, second), (second, first))]
    assert [number_random_values(text) for text in texts] == [
        "<random 1> <random 2> <random 1> <random 3> 2026-06-01"
    ] * 2


def test_unused_allowed_difference_is_reported() -> None:
    (line,) = compare({"commands.txt": "1"}, {"commands.txt": "1"}, [RENAMED])
    assert line == "The allowed difference 'old name' in commands* does not occur: remove it."
