//! One request to a vendor while it is under way: its money and its time.

use std::sync::Arc;
use std::time::Duration;

use runcor_core::{
    AttemptPlan, CallScope, Clock, Error as CoreError, Held, ModelChunk, ModelRequest,
    ModelResponse, ProviderError, ProviderErrorKind, Timestamp, TokenPrice, Usage,
};

use crate::estimate;
use crate::slot::Slot;

/// One request to a vendor, from the moment that its money is reserved.
///
/// It is booked once: as answered, as failed, or, when it is dropped before
/// either, as given up. Where nobody counts it is nothing.
#[derive(Debug)]
pub(crate) struct Exchange {
    counted: Option<Box<Counted>>,
    /// When it began, where somebody wants to know how long it takes.
    began: Option<Timestamp>,
}

#[derive(Debug)]
struct Counted {
    /// Taken away once it is booked.
    held: Option<Held>,
    clock: Arc<dyn Clock>,
    began: Timestamp,
    seen: Seen,
}

/// What has been seen of a streamed answer.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    chunks: u64,
    chars: u64,
}

impl Exchange {
    /// Reserves what a request may cost, where somebody counts.
    ///
    /// # Errors
    /// As the meter has it: the request must not be made then.
    pub(crate) async fn open(
        slot: &Slot,
        request: &ModelRequest,
        scope: &CallScope,
    ) -> Result<Self, CoreError> {
        if scope.meter().is_none_or(|meter| !meter.is_counting()) {
            let began = slot.vitals.latency.is_measured().then(|| slot.clock.now());
            return Ok(Self { counted: None, began });
        }
        let began = slot.clock.now();
        let price = slot.price_of(request.model.as_deref());
        let plan = AttemptPlan { provider: &slot.name, request, price, now: began };
        let held = Some(scope.reserve(plan).await?);
        let clock = Arc::clone(&slot.clock);
        // What the reservation took is not the vendor's time.
        let began = clock.now();
        let counted = Box::new(Counted { held, clock, began, seen: Seen::default() });
        Ok(Self { counted: Some(counted), began: Some(began) })
    }

    /// Notes a piece of the answer; the first one tells the vendor's latency.
    pub(crate) fn saw(&mut self, slot: &Slot, chunk: &ModelChunk) {
        self.note_latency(slot);
        if let Some(counted) = &mut self.counted {
            counted.seen.chunks += 1;
            counted.seen.chars += match chunk {
                ModelChunk::TextDelta { text } => estimate::chars(text),
                ModelChunk::ToolCall { tool_call } => estimate::chars_of_call(tool_call),
                ModelChunk::Finished { .. } => 0,
            };
        }
    }

    /// Books an answer, and writes into it what it used, what it cost and whose it is.
    pub(crate) fn answer(
        &mut self,
        slot: &Slot,
        request: &ModelRequest,
        response: &mut ModelResponse,
    ) {
        self.note_latency(slot);
        let counted = self.counted.take();
        if estimate::is_missing(&response.usage) {
            let ceiling = counted.as_ref().and_then(|counted| counted.ceiling());
            response.usage = estimate::usage(request, response, ceiling);
        }
        let price = counted.as_ref().and_then(|counted| counted.price());
        slot.sign(request, response, price);
        if let Some((held, took)) = counted.and_then(|mut counted| counted.close()) {
            held.answered(&response.model, response.usage, took);
        }
    }

    /// Books a failure: free where the vendor did nothing, and else what was
    /// seen of the answer, or the most that it can have used.
    pub(crate) fn fail(&mut self, slot: &Slot, error: &ProviderError) {
        if error.kind == ProviderErrorKind::Timeout {
            self.note_latency(slot);
        }
        let Some(mut counted) = self.counted.take() else { return };
        let seen = counted.seen();
        let Some((held, took)) = counted.close() else { return };
        if seen.is_some() || error.may_be_billed() {
            held.broken_off(seen, took);
        } else {
            held.failed(took);
        }
    }

    fn note_latency(&mut self, slot: &Slot) {
        if let Some(began) = self.began.take() {
            slot.vitals.latency.note(began, slot.clock.now());
        }
    }
}

impl Counted {
    fn ceiling(&self) -> Option<&Usage> {
        self.held.as_ref().map(Held::ceiling)
    }

    fn price(&self) -> Option<TokenPrice> {
        self.held.as_ref().and_then(Held::price)
    }

    fn close(&mut self) -> Option<(Held, Duration)> {
        let held = self.held.take()?;
        Some((held, self.clock.now().since(self.began)))
    }

    /// Estimates what the pieces that came have used; `None` before the first.
    ///
    /// What was reserved covers it: the vendor stops at the limit of tokens.
    fn seen(&self) -> Option<Usage> {
        let ceiling = self.ceiling().filter(|_| self.seen.chunks > 0)?;
        let tokens = estimate::tokens(self.seen.chars);
        Some(Usage {
            prompt_tokens: ceiling.prompt_tokens,
            completion_tokens: tokens.min(ceiling.completion_tokens),
            estimated: true,
            ..Usage::default()
        })
    }
}

/// Given up before its end: the caller went away, or another answer was first.
impl Drop for Counted {
    fn drop(&mut self) {
        let seen = self.seen();
        if let Some((held, took)) = self.close() {
            held.cancelled(seen, took);
        }
    }
}
