//! Streams of events: how they are cut changes nothing, and their chunks add up.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use runcor_core::{ModelChunk, ModelResponse, ProviderError};

use super::connection::HTTP;
use crate::http::{Decoder, Fault, Progress, drive};

type Outcome = Vec<Result<ModelChunk, ProviderError>>;

/// Gives every event as text; `end` ends the stream.
#[derive(Default)]
pub(super) struct Texts {
    text: String,
    done: bool,
}

impl Decoder for Texts {
    fn event(&mut self, data: &str, out: &mut VecDeque<ModelChunk>) -> Result<Progress, Fault> {
        self.text.push_str(data);
        out.push_back(ModelChunk::TextDelta { text: data.to_owned() });
        self.done = data == "end";
        Ok(if self.done { Progress::Done } else { Progress::More })
    }

    fn finish(&mut self, _: &mut VecDeque<ModelChunk>) -> Result<ModelResponse, Fault> {
        let text = std::mem::take(&mut self.text);
        if self.done { Ok(ModelResponse { text, ..Default::default() }) } else { Err(Fault::cut()) }
    }
}

/// Decodes a body whole, in small pieces, and cut at places that follow from it.
pub(crate) fn agree<D: Decoder>(body: &[u8], decoder: impl Fn() -> D) {
    let whole = outcome(vec![body], decoder());
    adds_up(&whole);
    let whole = format!("{whole:?}");
    // Byte by byte, as long as that does not take long.
    let step = 1 + body.len() / 512;
    for pieces in [body.chunks(step).collect(), cut(body)] {
        assert_eq!(whole, format!("{:?}", outcome(pieces, decoder())));
    }
}

fn outcome(pieces: Vec<&[u8]>, decoder: impl Decoder) -> Outcome {
    let pieces: Vec<_> =
        pieces.into_iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let chunks = drive(Arc::clone(&HTTP), stream::iter(pieces), decoder);
    // All of the body is there, so nothing is ever waited for.
    chunks.collect().now_or_never().unwrap_or_default()
}

fn cut(mut body: &[u8]) -> Vec<&[u8]> {
    let mut random = body.len();
    let mut pieces = Vec::new();
    while !body.is_empty() {
        random = random.wrapping_mul(31).wrapping_add(usize::from(*body.first().unwrap_or(&0)));
        let (piece, rest) = body.split_at(body.len().min(random % 17));
        pieces.push(piece);
        body = rest;
    }
    pieces
}

/// A stream ends with its answer or an error, and its chunks are the answer.
fn adds_up(outcome: &Outcome) {
    let Some((last, before)) = outcome.split_last() else {
        unreachable!("the stream says nothing")
    };
    let (mut text, mut calls) = (String::new(), Vec::new());
    for chunk in before {
        match chunk {
            Ok(ModelChunk::TextDelta { text: piece }) => text.push_str(piece),
            Ok(ModelChunk::ToolCall { tool_call }) => calls.push(tool_call.clone()),
            early => unreachable!("the stream goes on after {early:?}"),
        }
    }
    match last {
        Ok(ModelChunk::Finished { response }) => {
            assert_eq!((text, calls), (response.text.clone(), response.tool_calls.clone()));
        }
        Ok(chunk) => unreachable!("the stream ends with {chunk:?}"),
        Err(_) => {}
    }
}
