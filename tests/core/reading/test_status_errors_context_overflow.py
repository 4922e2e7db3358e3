"""Which errors mean that the prompt is too long for the model, in the words of the providers behind the endpoint."""

from __future__ import annotations

import pytest

from gumloop_core.errors import BadRequestError, ContextOverflowError, RateLimitError
from gumloop_core.reading.status_errors import status_error

OVERFLOWS = {
    "openai": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. "
    "Please reduce the length of the messages.",
    "openai responses": "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "openai completion": "This model's maximum context length is 4097 tokens, however you requested 5360 tokens "
    "(1360 in your prompt; 4000 for the completion). Please reduce your prompt; or completion length.",
    "openai tools": "This model's maximum context length is 16385 tokens. However, you requested 16700 tokens (15000 "
    "in the messages, 700 in the functions, and 1000 in the completion).",
    "anthropic": "prompt is too long: 214898 tokens > 200000 maximum",
    "anthropic with max_tokens": "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, "
    "decrease input length or `max_tokens` and try again",
    "google": "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
    "google vertex": "Unable to submit request because the input token count is 33000 but model only supports up to "
    "32768. Reduce the input token count and try again.",
    "openrouter": "This endpoint's maximum context length is 32768 tokens. However, you requested about 52000 tokens "
    "(50000 of text input, 2000 in the output). Please reduce the length of either one, or use the "
    '"middle-out" transform to compress your prompt automatically.',
    "bedrock": "Input is too long for requested model.",
    "bedrock converse": "The model returned the following errors: Input is too long for requested model.",
    "bedrock titan": "400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 9216",
    "mistral": "Prompt contains 40959 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "mistral older": "Prompt contains 65673 tokens, too large for model with 32768 maximum context length",
    "moonshot": "Invalid request: Your request exceeded model token limit: 131072 (requested: 140001)",
    "xai": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "deepseek": "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens (66000 in "
    "the messages, 4000 in the completion). Please reduce the length of the messages or completion.",
    "vllm": "The decoder prompt (length 9000) is longer than the maximum model length of 8192. Make sure that "
    "`max_model_len` is no smaller than the number of text tokens plus multimodal tokens.",
    "llama.cpp": "the request exceeds the available context size, try increasing it",
    "groq": "Please reduce the length of the messages or completion.",
    "cohere": "too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs. The limit for "
    "this model is 8000 tokens",
    "length of messages": "The total length of all messages is too long for this model.",
    "length of the prompt": "Total length of the messages exceeds the limit of 32768 tokens.",
    "relayed": "The provider rejected the request: prompt is too long: 214898 tokens > 200000 maximum",
}

OTHERS = {
    "openai max_tokens": "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, "
    "whereas you provided 100000.",
    "anthropic max_tokens": "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for "
    "claude-sonnet-4-5",
    "openai tokens per minute": "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit "
    "30000, Requested 45000. The input or output tokens must be reduced in order to run successfully.",
    "groq tokens per minute": "Request too large for model x on tokens per minute (TPM): Limit 6000, Requested 9000, "
    "please reduce your message size and try again.",
    "anthropic rate": "This request would exceed the rate limit for your organization of 40,000 input tokens per "
    "minute. Please reduce the prompt length or the maximum tokens requested, or try again later.",
    "bedrock throttling": "Too many tokens, please wait before trying again.",
    "bedrock daily": "Too many tokens per day, please wait before trying again.",
    "google quota": "Quota exceeded for quota metric 'Generate Content API requests per minute' and limit "
    "'GenerateContent request limit per minute for a region'",
    "google token quota": "You exceeded your current quota. Quota exceeded for metric: "
    "generativelanguage.googleapis.com/generate_content_free_tier_input_token_count, limit: 250000",
    "image size": "messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 6291456 bytes > 5242880 bytes",
    "too many images": "Too many images in the request: at most 100 are allowed",
    "long string": "Invalid 'messages[0].content': string too long. Expected a string with maximum length 1048576, but "
    "got a string with length 2000000 instead.",
    "long tool name": "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64.",
    "stop": "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5.",
    "however": "However, the context window option is not known.",
    "thinking": "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation",
    "cache": "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    "tool result": "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
    "credit": "This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only "
    "afford 1203.",
    "prompt blocked": "The prompt was blocked: its content exceeds the safety threshold.",
    "no reason": "The provider rejected the request: Provider returned error",
    "empty": "",
}


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("words", OVERFLOWS.values(), ids=list(OVERFLOWS))
def test_a_prompt_that_is_too_long(words: str, status: int) -> None:
    error = status_error(status, {"error": {"code": "invalid_request", "message": words}})
    assert isinstance(error, ContextOverflowError)
    assert error.status_code == status
    assert "Shorten the conversation" in str(error)
    assert isinstance(status_error(200, {"error": {"message": words}}), ContextOverflowError)


@pytest.mark.parametrize("status", [400, 413, 422, 200])
@pytest.mark.parametrize("words", OTHERS.values(), ids=list(OTHERS))
def test_something_else(words: str, status: int) -> None:
    assert not isinstance(status_error(status, {"error": {"message": words}}), ContextOverflowError)


@pytest.mark.parametrize("code", ["context_length_exceeded", "model_max_prompt_tokens_exceeded"])
def test_the_code_is_enough(code: str) -> None:
    assert isinstance(status_error(400, {"error": {"code": code, "message": "no"}}), ContextOverflowError)
    assert isinstance(status_error(200, {"error": {"code": code, "message": "no"}}), ContextOverflowError)


@pytest.mark.parametrize("code", [400, "400", None, 5000])
@pytest.mark.parametrize("status", [400, 200])
def test_the_type_is_enough_beside_any_code(code: object, status: int) -> None:
    body = {"error": {"code": code, "type": "too_many_prompt_tokens", "message": "no"}}
    assert isinstance(status_error(status, body), ContextOverflowError)


def test_it_is_a_bad_request_and_its_status_decides() -> None:
    words = OVERFLOWS["anthropic"]
    assert isinstance(status_error(400, {"error": {"message": words}}), BadRequestError)
    assert type(status_error(429, {"error": {"message": words}})) is RateLimitError


def test_the_providers_words_behind_openrouters() -> None:
    body = {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": OVERFLOWS["anthropic"]}}}
    assert isinstance(status_error(400, body), ContextOverflowError)
