//! Wire clients of runcor for foundation models: OpenAI-compatible, Anthropic, Google, mock
