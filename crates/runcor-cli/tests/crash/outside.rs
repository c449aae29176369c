//! The outside world: what webhooks and the model answer, by the seed.

use std::sync::Arc;
use std::time::Duration;

use runcor_testkit::vendor_server::chat_completion;
use serde_json::{Deserializer, Value, json};

use crate::chance::Chance;
use crate::flows::{Fate, Work};
use crate::oracle::{Call, Oracle, receipt as receipt_of};
use crate::server::{Answers, Reply, Request};

/// The path of the model vendor.
const MODEL: &str = "/v1/chat/completions";

/// Answers what the flows ask, and tells the oracle of it.
pub(crate) struct Outside {
    seed: u64,
    oracle: Arc<Oracle>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Status(u16),
    HangsUp,
    /// It takes effect, and the answer gets lost.
    LosesAnswer,
    /// The model says what does not match the schema.
    Babbles,
}

impl Outside {
    pub(crate) fn new(seed: u64, oracle: Arc<Oracle>) -> Self {
        Self { seed, oracle }
    }

    /// Answers a call of a step; the effect happens now, the answer comes after the delay.
    fn call(&self, call: &Call) -> Reply {
        let trouble = self.trouble(call);
        let receipt =
            self.oracle.called(call, matches!(trouble, Trouble::None | Trouble::LosesAnswer));
        let delay = self.delay(call);
        let reply = |status, body| Reply { status, body, delay, hangs_up: false };
        match trouble {
            Trouble::HangsUp | Trouble::LosesAnswer => {
                Reply { hangs_up: true, ..reply(200, Value::Null) }
            }
            Trouble::Babbles => reply(200, chat_completion("scripted", "no receipt today")),
            Trouble::Status(status) => {
                reply(status, json!({ "error": { "message": "as the seed wants it" } }))
            }
            Trouble::None if call.is_model => {
                let text = json!({ "receipt": receipt }).to_string();
                reply(200, chat_completion("scripted", &text))
            }
            Trouble::None => reply(200, json!({ "receipt": receipt, "n": call.work.n })),
        }
    }

    /// Decides whether this call goes wrong; the first few may, or all of them.
    fn trouble(&self, call: &Call) -> Trouble {
        let (work, step) = (call.work, call.step());
        match (step, work.fate) {
            ("shaky", Fate::Fails("WEBHOOK_FAILED")) => return Trouble::Status(404),
            ("shaky", Fate::Fails(_)) => return Trouble::Status(503),
            _ => {}
        }
        let mut chance = Chance::new(self.seed, step, work.n);
        if step == "pay" {
            // It must not be asked twice, so it never fails plainly.
            return if chance.one_in(8) { Trouble::LosesAnswer } else { Trouble::None };
        }
        let failures = match step {
            "shaky" => chance.below(5),
            "judge" if chance.one_in(8) => 1,
            _ if chance.one_in(50) => 1,
            _ => 0,
        };
        if self.oracle.calls(call) >= failures {
            return Trouble::None;
        }
        let kinds = [Trouble::Status(503), Trouble::Status(500), Trouble::HangsUp];
        match chance.pick(&kinds) {
            _ if call.is_model && chance.one_in(2) => Trouble::Babbles,
            trouble => trouble.copied().unwrap_or(Trouble::None),
        }
    }

    /// Decides how long the answer takes.
    fn delay(&self, call: &Call) -> Duration {
        let calls = self.oracle.calls(call);
        let mut chance = Chance::new(self.seed, call.step(), call.work.n + (calls << 40));
        let millis = Duration::from_millis;
        match call.step() {
            // Whoever is interrupted again and again shall come through in the end.
            "long" | "pay" if calls < 3 => chance.time(millis(300), millis(2_500)),
            _ if chance.one_in(3) => chance.time(millis(1), millis(40)),
            _ => Duration::ZERO,
        }
    }
}

impl Answers for Outside {
    fn answer(&self, request: &Request) -> Reply {
        if request.path == "/probe" {
            let delay = Duration::ZERO;
            return Reply { status: 200, body: Value::Null, delay, hangs_up: false };
        }
        match call_of(self.seed, request) {
            Some(call) => {
                self.oracle.holds(call.is_model, true);
                self.call(&call)
            }
            None => {
                let what = format!("a call that belongs to no step: {request:?}");
                self.oracle.broken("R4", None, what);
                let body = json!({ "error": { "message": "not a call of this campaign" } });
                Reply { status: 404, body, delay: Duration::ZERO, hangs_up: false }
            }
        }
    }

    fn over(&self, request: &Request) {
        if request.path != "/probe" {
            self.oracle.holds(request.path == MODEL, false);
        }
    }
}

/// Reads which step of which execution calls.
fn call_of(seed: u64, request: &Request) -> Option<Call> {
    let is_model = request.path == MODEL;
    let (path, id, input) = if is_model {
        // Models get no key, so the prompt says who asks.
        let input = prompt(&request.body)?;
        let path = format!("{}/{}", input["flow"].as_str()?, input["step"].as_str()?);
        (path, input["run"].as_str()?.to_owned(), input)
    } else {
        let path = request.path.trim_start_matches('/').to_owned();
        let (_, step) = path.split_once('/')?;
        // A step in a branch has the path of its branch before its own name.
        let (id, place) = request.key.as_deref()?.split_once(':')?;
        place.strip_suffix("#1")?.strip_suffix(step)?;
        (path.clone(), id.to_owned(), request.body.clone())
    };
    let (flow, step) = path.split_once('/')?;
    let work = Work::of(seed, input["n"].as_u64()?, flow)?;
    let place = work.flow.place(step)?;
    let seen = input["seen"].as_object().into_iter().flatten();
    let seen = seen.map(|(step, receipt)| Some((step.clone(), receipt_of(receipt)?)));
    let seen = seen.collect::<Option<_>>()?;
    Some(Call { execution: id.parse().ok()?, work, place, is_model, seen })
}

/// Returns the step's input, which is the prompt; a hint may stand behind it.
fn prompt(body: &Value) -> Option<Value> {
    let messages = body["messages"].as_array()?;
    let texts = messages.iter().filter_map(|message| message["content"].as_str());
    let mut inputs =
        texts.filter_map(|text| Deserializer::from_str(text).into_iter::<Value>().next()?.ok());
    inputs.find(|input| input["run"].is_string())
}
