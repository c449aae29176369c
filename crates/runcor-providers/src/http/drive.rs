//! Turns a vendor's event stream into chunks: the loop that all vendors share.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use runcor_core::{ModelChunk, ModelResponse, ProviderError, ProviderErrorKind, ProviderStream};
use sse_stream::{Sse, SseStream};

use super::client::Http;
use super::fault::Fault;
use super::lines::Lines;

/// What a vendor's events mean.
pub(crate) trait Decoder: Send + 'static {
    /// Takes one event's data and appends the chunks that are complete by it.
    fn event(&mut self, data: &str, out: &mut VecDeque<ModelChunk>) -> Result<Progress, Fault>;

    /// Appends what is left and makes the whole answer, or says that the stream
    /// ended too early. Called once.
    fn finish(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<ModelResponse, Fault>;
}

/// Whether more events are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}

type Events = Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send>>;

struct Drive<D> {
    http: Arc<Http>,
    events: Events,
    /// Whether the body has come to its proper end.
    ended: Arc<AtomicBool>,
    /// Taken away once the stream is decided.
    decoder: Option<D>,
    out: VecDeque<ModelChunk>,
    error: Option<ProviderError>,
}

/// Decodes `body`; the stream ends with the whole answer or with an error.
pub(crate) fn drive<D: Decoder>(
    http: Arc<Http>,
    body: impl Stream<Item = Result<Bytes, Fault>> + Send + 'static,
    decoder: D,
) -> ProviderStream {
    let ended = Arc::new(AtomicBool::new(false));
    let lines = Lines::new(Box::pin(body), Arc::clone(&ended));
    let events = Box::pin(SseStream::from_bytes_stream(lines));
    let decoder = Some(decoder);
    let drive = Drive { http, events, ended, decoder, out: VecDeque::new(), error: None };
    Box::pin(stream::unfold(drive, |mut drive| async move {
        let item = drive.next().await?;
        Some((item, drive))
    }))
}

/// Gives an answer that came whole as a stream.
pub(crate) fn replay(response: ModelResponse) -> ProviderStream {
    let mut chunks = Vec::with_capacity(2 + response.tool_calls.len());
    if !response.text.is_empty() {
        chunks.push(ModelChunk::TextDelta { text: response.text.clone() });
    }
    let calls = response.tool_calls.iter().cloned();
    chunks.extend(calls.map(|tool_call| ModelChunk::ToolCall { tool_call }));
    chunks.push(ModelChunk::Finished { response: Box::new(response) });
    Box::pin(stream::iter(chunks.into_iter().map(Ok)))
}

impl<D: Decoder> Drive<D> {
    async fn next(&mut self) -> Option<Result<ModelChunk, ProviderError>> {
        loop {
            if let Some(chunk) = self.out.pop_front() {
                return Some(Ok(chunk));
            }
            if let Some(error) = self.error.take() {
                return Some(Err(error));
            }
            let decoder = self.decoder.as_mut()?;
            let progress = match self.events.next().await {
                Some(Ok(Sse { data: Some(data), .. })) => decoder.event(&data, &mut self.out),
                Some(Ok(_)) => Ok(Progress::More),
                Some(Err(error)) => Err(parser_fault(error)),
                None => Ok(Progress::Done),
            };
            let decided = match progress {
                Ok(Progress::More) => continue,
                Ok(Progress::Done) => decoder.finish(&mut self.out),
                Err(fault) => Err(fault),
            };
            self.decoder = None;
            match decided {
                Ok(response) => {
                    self.out.push_back(ModelChunk::Finished { response: Box::new(response) });
                }
                Err(fault) => self.error = Some(self.public_error(fault)),
            }
        }
    }

    fn public_error(&self, mut fault: Fault) -> ProviderError {
        // What can't be read at the very end was cut off, not written wrongly.
        if self.ended.load(Ordering::Relaxed) && fault.kind == ProviderErrorKind::Malformed {
            fault = Fault::cut();
        }
        self.http.fail(&fault)
    }
}

fn parser_fault(error: sse_stream::Error) -> Fault {
    match error {
        sse_stream::Error::Body(cause) => match cause.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(_) => Fault::cut(),
        },
        _ => Fault::malformed("the event stream has a line that is no part of an event"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

    use super::super::client::Settings;
    use super::super::timeouts::Timeouts;
    use super::*;

    /// Gives every event as text; `end` ends the stream.
    #[derive(Default)]
    struct Echo {
        done: bool,
    }

    impl Decoder for Echo {
        fn event(&mut self, data: &str, out: &mut VecDeque<ModelChunk>) -> Result<Progress, Fault> {
            out.push_back(ModelChunk::TextDelta { text: data.to_owned() });
            self.done = data == "end";
            Ok(if self.done { Progress::Done } else { Progress::More })
        }

        fn finish(&mut self, _: &mut VecDeque<ModelChunk>) -> Result<ModelResponse, Fault> {
            if self.done { Ok(ModelResponse::default()) } else { Err(Fault::cut()) }
        }
    }

    static HTTP: LazyLock<Arc<Http>> = LazyLock::new(|| {
        let settings = Settings {
            name: "test".to_owned(),
            home: "http://127.0.0.1:9",
            key_variables: &[],
            api_key: None,
            base_url: None,
            allow_insecure: false,
            timeouts: Timeouts::default(),
        };
        Arc::new(Http::open(settings).unwrap())
    });

    async fn outcome(http: Arc<Http>, pieces: Vec<Vec<u8>>) -> Vec<String> {
        let body = stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece))));
        let chunks = drive(http, body, Echo::default());
        chunks.map(|chunk| format!("{chunk:?}")).collect().await
    }

    fn split(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        at.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
    }

    fn stream_text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => Just(b"data: h\xc3\xa4\xf0\x9f\x98\x80\n\n".to_vec()),
            2 => Just(b"event: x\r\ndata: a\r\ndata: b\r\n\r\n".to_vec()),
            1 => Just(b": ping\n\n".to_vec()),
            1 => Just(b"data: end\n\n".to_vec()),
            1 => Just(b"garbage\n".to_vec()),
            1 => Just(b"data: cut".to_vec()),
            1 => vec(any::<u8>(), 0..12),
        ];
        vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_split_of_any_bytes_gives_the_same_chunks(
            bytes in stream_text(),
            cuts in vec(any::<usize>(), 0..20),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let http = Arc::clone(&HTTP);
            let whole = runtime.block_on(outcome(Arc::clone(&http), vec![bytes.clone()]));
            let parts = runtime.block_on(outcome(http, split(&bytes, &cuts)));
            prop_assert_eq!(&whole, &parts);
            let last = whole.last().unwrap();
            let ends_well = last.contains("Finished") || last.starts_with("Err");
            prop_assert_eq!(ends_well, true, "{}", last);
        }
    }
}
