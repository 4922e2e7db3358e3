"""Content blocks in every form that LangChain users have them, as the wire's content parts.

Known are LangChain's standard blocks (``v1``), its older ones with ``source_type`` (``v0``), OpenAI's parts, which are
the wire's own, and Anthropic's.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable, Mapping
from typing import Any, cast

from gumloop_core.errors import InvalidRequestError
from gumloop_core.wire import ContentPart, JSONObject
from gumloop_core.writing.cache_marks import checked_mark, mark_last
from gumloop_core.writing.media import data_url

_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-m4a": "m4a", "mp4": "m4a"}


def content_parts(content: Any) -> list[ContentPart]:
    """Convert the content of a message.

    Args:
        content: A list of strings and blocks.

    Raises:
        InvalidRequestError: If a block has no place on the wire; it names the block and says why.
    """
    parts: list[ContentPart] = []
    for place, block in enumerate(content):
        if isinstance(block, str):
            if block:
                parts.append({"type": "text", "text": block})
            continue
        try:
            parts.append(content_part(block))
        except InvalidRequestError as error:
            raise InvalidRequestError(f"content[{place}]{error.message}") from None
    return _without_empty_texts(parts) if len(parts) > 1 else parts


def _without_empty_texts(parts: list[ContentPart]) -> list[ContentPart]:
    """Some providers refuse empty text, and with it the picture beside it. Its mark for caching is the one before's."""
    kept: list[ContentPart] = []
    for part in parts:
        if part["type"] != "text" or part.get("text"):
            kept.append(part)
        elif "cache_control" in part:
            mark_last(kept, part["cache_control"])
    return kept or parts[:1]


def content_part(block: Mapping[str, Any]) -> ContentPart:
    """Convert one block."""
    kind = block.get("type")
    if kind == "non_standard" and isinstance(block.get("value"), Mapping):
        return _with_mark(content_part(block["value"]), block)
    if not isinstance(block.get("source_type", ""), str):
        raise InvalidRequestError(f" has a source_type that is not text: {block['source_type']!r}.")
    convert = _CONVERTERS.get(kind) if isinstance(kind, str) else None
    if convert is None:
        raise InvalidRequestError(
            f" is a block of type {kind!r}, which the endpoint has no part for. It takes "
            f"{', '.join(sorted(_CONVERTERS))} blocks."
        )
    return _with_mark(convert(block), block)


def _with_mark(part: ContentPart, block: Mapping[str, Any]) -> ContentPart:
    mark = cache_mark(block)
    if mark is not None:
        part["cache_control"] = mark
    return part


def cache_mark(block: Mapping[str, Any]) -> JSONObject | None:
    """A block's mark for caching, which LangChain keeps in ``extras`` where it does not know the field.

    Raises:
        InvalidRequestError: If it is no dict.
    """
    mark = block.get("cache_control") or _extra(block, "cache_control")
    if not mark:
        return None
    try:
        return checked_mark(mark)
    except InvalidRequestError as error:
        raise InvalidRequestError(f": {error.message}") from None


def _extra(block: Mapping[str, Any], name: str) -> Any:
    """A field that LangChain keeps beside the standard ones."""
    for holder in ("extras", "metadata"):
        extras = block.get(holder)
        if isinstance(extras, Mapping) and extras.get(name):
            return extras[name]
    return None


def _text(block: Mapping[str, Any]) -> ContentPart:
    text = block.get("text")
    if not isinstance(text, str):
        raise InvalidRequestError(" is a text block without text.")
    return {"type": "text", "text": text}


def _source(block: Mapping[str, Any], kind: str) -> str:
    """Where a block's data is: its URL, or a data URL with it."""
    source = block.get("source")
    if isinstance(source, Mapping):  # Anthropic's form
        block = {
            "url": source.get("url"),
            "base64": source.get("data"),
            "mime_type": source.get("media_type"),
            "file_id": source.get("file_id"),
        }
    data = block.get("base64") or block.get("data")
    if data:
        return data_url(_base64(data, kind), _mime_type(block, kind))
    url = block.get("url")
    if isinstance(url, str) and url:
        return url
    if block.get("file_id") or block.get("id"):
        raise InvalidRequestError(
            f" is {kind} with the id of an uploaded file, which the endpoint does not know. Pass its url or base64."
        )
    raise InvalidRequestError(f" is {kind} without url or base64.")


def _base64(data: Any, kind: str) -> str | bytes:
    if not isinstance(data, (str, bytes)):
        raise InvalidRequestError(f" is {kind} whose base64 data is not text.")
    return data


def _mime_type(block: Mapping[str, Any], kind: str) -> str:
    mime_type = block.get("mime_type")
    source = block.get("source")
    if not mime_type and isinstance(source, Mapping):
        mime_type = source.get("media_type")
    if not mime_type:
        raise InvalidRequestError(f" is {kind} with base64 data, which needs its mime_type.")
    if not isinstance(mime_type, str):
        raise InvalidRequestError(f" is {kind} whose mime_type is not text: {mime_type!r}.")
    return mime_type


def _image(block: Mapping[str, Any]) -> ContentPart:
    url = _source(block, "an image")
    detail = block.get("detail") or _extra(block, "detail")
    return {"type": "image_url", "image_url": {"url": url, "detail": detail} if detail else {"url": url}}


def _image_url(block: Mapping[str, Any]) -> ContentPart:
    image = block.get("image_url")
    if isinstance(image, str):
        image = {"url": image}
    if not isinstance(image, Mapping) or not isinstance(image.get("url"), str):
        raise InvalidRequestError(" is an image_url block without a url.")
    if "detail" not in image and block.get("detail"):
        image = {**image, "detail": block["detail"]}
    return {"type": "image_url", "image_url": cast("Any", dict(image))}


def _audio(block: Mapping[str, Any]) -> ContentPart:
    data = block.get("base64") or block.get("data")
    if not data:
        raise InvalidRequestError(" is audio without base64 data; the endpoint takes audio by its data only.")
    data = _base64(data, "audio")
    if isinstance(data, bytes):
        data = base64.b64encode(data).decode("ascii")
    kind = _mime_type(block, "audio").rpartition("/")[2].partition(";")[0].lower()
    return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO_FORMATS.get(kind, kind)}}


def _file(block: Mapping[str, Any]) -> ContentPart:
    given = block.get("file")
    if isinstance(given, Mapping):  # OpenAI's form
        file: JSONObject = dict(given)
        if not file.get("filename") and isinstance(file.get("file_data"), str):
            name = _name_for(file["file_data"])
            if name:
                file = {**file, "filename": name}
        return {"type": "file", "file": file}
    source = block.get("source")
    if isinstance(source, Mapping) and source.get("type") == "text":
        return {"type": "text", "text": str(source.get("data") or "")}
    if block.get("source_type") == "text":
        return {"type": "text", "text": str(block.get("text") or block.get("url") or "")}
    identity = block.get("file_id") or (block.get("id") if block.get("source_type") == "id" else None)
    file = {"file_id": identity} if identity else {"file_data": _source(block, "a file")}
    name = block.get("filename") or block.get("name") or block.get("title")
    name = name or _extra(block, "filename") or _extra(block, "name")
    if name is None and not identity and (block.get("base64") or block.get("data") or isinstance(source, Mapping)):
        name = _name_for(str(file["file_data"]))
    if name:
        file = {"filename": name, **file}
    return {"type": "file", "file": file}


def _name_for(url: str) -> str | None:
    """A name for a file that came without one, from the type in its data URL: some providers refuse it otherwise."""
    if not url.startswith("data:"):
        return None
    mime_type = url[5:].partition(",")[0].partition(";")[0].strip().lower()
    return f"file{mimetypes.guess_extension(mime_type) or ''}"


def _plain_text(block: Mapping[str, Any]) -> ContentPart:
    if isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    return _file({**block, "mime_type": block.get("mime_type") or "text/plain"})


def _video(block: Mapping[str, Any]) -> ContentPart:
    return {"type": "video_url", "video_url": {"url": _source(block, "a video")}}


def _as_it_is(name: str) -> Callable[[Mapping[str, Any]], ContentPart]:
    def convert(block: Mapping[str, Any]) -> ContentPart:
        value = block.get(name)
        if not isinstance(value, Mapping):
            raise InvalidRequestError(f" is a block of type {name!r} without the field {name!r}.")
        return cast("ContentPart", {"type": name, name: dict(value)})

    return convert


_CONVERTERS: dict[str, Callable[[Mapping[str, Any]], ContentPart]] = {
    "text": _text,
    "text-plain": _plain_text,
    "image": _image,
    "image_url": _image_url,
    "audio": _audio,
    "input_audio": _as_it_is("input_audio"),
    "file": _file,
    "document": _file,
    "video": _video,
    "video_url": _as_it_is("video_url"),
}
