"""A small validator of JSON against OpenAPI schemas, limited to what this project's schemas use."""

from typing import Any

TYPES = {"string": str, "object": dict, "array": list, "boolean": bool, "null": type(None)}


def fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """AssertionError, with the value, unless it matches the schema."""
    if "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return fits(value, target, document)
    if "anyOf" in schema:
        assert any(_fits(value, option, document) for option in schema["anyOf"]), value
        return None
    kind = schema.get("type")
    if kind in ("integer", "number"):
        assert isinstance(value, int if kind == "integer" else (int, float)), value
        assert not isinstance(value, bool), value
    elif kind:
        assert isinstance(value, TYPES[kind]), (value, kind)
    assert "enum" not in schema or value in schema["enum"], value
    if isinstance(value, list):
        for item in value:
            fits(item, schema.get("items", {}), document)
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        assert set(schema.get("required", ())) <= set(value), (value, schema)
        for name, item in value.items():
            assert name in known or others is not False, name
            fits(item, known.get(name, others if isinstance(others, dict) else {}), document)
    return None


def check(document: dict[str, Any]) -> list[Any]:
    """Check all examples of all bodies against their schemas; returns the examples."""
    found = []
    for path in document["paths"].values():
        for operation in path.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (content for body in bodies for content in body.get("content", {}).values()):
                examples = [entry["value"] for entry in content.get("examples", {}).values()]
                for example in [*examples, content["example"]] if "example" in content else examples:
                    fits(example, content["schema"], document)
                    found.append(example)
    return found


def _fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> bool:
    try:
        fits(value, schema, document)
    except AssertionError:
        return False
    return True
