//! (placeholder until the payload branch lands)
/// Which shape a body has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// By its fields.
    Auto,
    /// OpenAI chat.
    OpenAiChat,
    /// OpenAI completions.
    OpenAiCompletions,
    /// OpenAI responses.
    OpenAiResponses,
    /// Anthropic messages.
    AnthropicMessages,
    /// Gemini.
    GeminiGenerateContent,
    /// Seed.
    Seed,
    /// Plain.
    PlainText,
    /// Form.
    Form,
}
/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// User.
    User,
    /// Assistant.
    Assistant,
    /// System.
    System,
    /// Tool.
    Tool,
}
