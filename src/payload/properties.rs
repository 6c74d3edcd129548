//! Laws that hold for every body, tried on bodies nobody would write.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::payload::{Dialect, PayloadError, Role, extract};

/// What a user would not like to see in a log.
const SECRET: &str = "pa55-phrase";

/// The words that the readers know, where most paths begin, and one they do not.
fn word() -> impl Strategy<Value = String> {
    const WORDS: [&str; 24] = [
        "messages",
        "role",
        "content",
        "type",
        "text",
        "contents",
        "parts",
        "input",
        "prompt",
        "user_input",
        "source",
        "data",
        "output",
        "system",
        "instructions",
        "variables",
        "functionResponse",
        "response",
        "user",
        "assistant",
        "tool_result",
        "document",
        "message",
        SECRET,
    ];
    prop::sample::select(WORDS.as_slice()).prop_map(str::to_owned)
}

/// JSON text made of those words; keys may be doubled, so it is written by hand.
fn document() -> impl Strategy<Value = String> {
    let quoted = || word().prop_map(|word| format!("\"{word}\""));
    let leaf = prop_oneof![4 => quoted(), 1 => Just("null".to_owned()), 1 => Just("7".to_owned())];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            2 => prop::collection::vec((quoted(), inner), 0..6).prop_map(|fields| {
                let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

fn conversation() -> impl Strategy<Value = Vec<(Role, String)>> {
    let role = prop::sample::select([Role::User, Role::Assistant, Role::Assistant, Role::Tool].as_slice());
    prop::collection::vec((role, any::<String>()), 0..12)
}

/// The part of a conversation that is new, by the definition: all behind the last answer that was answered.
fn new_in(conversation: &[(Role, String)]) -> Vec<(Role, String)> {
    let answered = |index: &usize| {
        conversation[*index].0 == Role::Assistant
            && conversation[index + 1..].iter().any(|(role, _)| *role != Role::Assistant)
    };
    let start = (0..conversation.len()).rev().find(answered).map_or(0, |last| last + 1);
    conversation[start..].to_vec()
}

fn chat(conversation: &[(Role, String)]) -> Value {
    let name = |role| match role {
        Role::Assistant => "assistant",
        Role::Tool => "tool",
        Role::User | Role::System => "user",
    };
    let messages: Vec<Value> =
        conversation.iter().map(|(role, text)| json!({"role": name(*role), "content": text})).collect();
    json!({"model": "m", "messages": messages})
}

fn anthropic(conversation: &[(Role, String)]) -> Value {
    let message = |(role, text): &(Role, String)| match role {
        Role::Assistant => json!({"role": "assistant", "content": [{"type": "text", "text": text}]}),
        Role::Tool => {
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": text}]})
        }
        Role::User | Role::System => json!({"role": "user", "content": text}),
    };
    json!({"messages": conversation.iter().map(message).collect::<Vec<Value>>()})
}

fn gemini(conversation: &[(Role, String)]) -> Value {
    let content = |(role, text): &(Role, String)| match role {
        Role::Assistant => json!({"role": "model", "parts": [{"text": text}]}),
        Role::Tool => {
            json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": text}}}]})
        }
        Role::User | Role::System => json!({"role": "user", "parts": [{"text": text}]}),
    };
    json!({"contents": conversation.iter().map(content).collect::<Vec<Value>>()})
}

fn responses(conversation: &[(Role, String)]) -> Value {
    let item = |(role, text): &(Role, String)| match role {
        Role::Assistant => json!({"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": text}]}),
        Role::Tool => json!({"type": "function_call_output", "call_id": "c", "output": text}),
        Role::User | Role::System => json!({"role": "user", "content": text}),
    };
    json!({"input": conversation.iter().map(item).collect::<Vec<Value>>()})
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for dialect in Dialect::ALL {
            let _ = extract(dialect, &body);
        }
    }

    #[test]
    fn no_document_makes_it_panic_or_tell_its_text(body in document()) {
        for dialect in Dialect::ALL {
            let outcome = extract(dialect, body.as_bytes());
            let shown = format!("{outcome:?}");
            prop_assert!(!shown.contains(SECRET));
            if let Err(refused) = outcome {
                prop_assert!(!refused.to_string().contains(SECRET));
                let not_json = matches!(refused, PayloadError::NotJson { .. });
                prop_assert!(!not_json, "what is JSON is not called something else: {body}");
            }
        }
    }

    #[test]
    fn exactly_the_new_part_of_a_chat_is_returned(conversation in conversation()) {
        let expected = new_in(&conversation);
        for (dialect, body) in [
            (Dialect::OpenAiChat, chat(&conversation)),
            (Dialect::AnthropicMessages, anthropic(&conversation)),
            (Dialect::GeminiGenerateContent, gemini(&conversation)),
            (Dialect::OpenAiResponses, responses(&conversation)),
        ] {
            let body = body.to_string();
            for dialect in [dialect, Dialect::Auto] {
                let payload = extract(dialect, body.as_bytes()).unwrap();
                let new: Vec<(Role, String)> =
                    payload.parts.into_iter().map(|part| (part.role, part.text.into_owned())).collect();
                prop_assert_eq!(&new, &expected, "{:?}", dialect);
            }
        }
    }

    #[test]
    fn text_is_borrowed_exactly_where_it_has_no_escapes(text in any::<String>()) {
        let body = json!({"prompt": text}).to_string();
        let payload = extract(Dialect::Seed, body.as_bytes()).unwrap();
        prop_assert_eq!(payload.parts[0].text.as_ref(), &text);
        let borrowed = matches!(payload.parts[0].text, std::borrow::Cow::Borrowed(_));
        prop_assert_eq!(borrowed, !body.contains('\\'));
    }

    #[test]
    fn every_form_is_read_back(text in any::<String>()) {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let body = format!("lang=en&q={encoded}");
        let payload = extract(Dialect::Form, body.as_bytes()).unwrap();
        prop_assert_eq!(payload.parts.len(), 1);
        prop_assert_eq!(payload.parts[0].text.as_ref(), &text);
    }
}
