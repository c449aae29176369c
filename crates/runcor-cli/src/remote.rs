//! A running runcor, reached over HTTP.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use runcor::execution::{Decision, Fork};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::target::{ListQuery, TriggerRequest, USUAL_USER};

/// How long a running server may take to say that it is there.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// The most items that the API gives at once.
const LONGEST_PAGE: usize = 200;
/// How long a server may judge or compare executions before it is given up.
const LONG_WORK: Duration = Duration::from_secs(900);

/// A running runcor, reached over HTTP.
#[derive(Debug)]
pub(crate) struct Remote {
    client: reqwest::Client,
    url: String,
    token: Option<String>,
    /// Says on whose behalf.
    identity: HeaderMap,
}

impl Remote {
    pub(crate) fn new(url: &str, token: Option<String>) -> Result<Self, Failure> {
        let parsed = reqwest::Url::parse(url).ok();
        if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            let message = format!("{url:?} is not an address such as http://127.0.0.1:3000");
            return Err(Failure::new("VALIDATION_ERROR", message));
        }
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(90))
            .no_proxy()
            .build()
            .map_err(|error| Failure::new("INTERNAL_ERROR", format!("no HTTP client: {error}")))?;
        Ok(Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
            token,
            identity: HeaderMap::new(),
        })
    }

    /// Asks on somebody's behalf.
    pub(crate) fn on_behalf_of(
        mut self,
        user: Option<&str>,
        tenant: Option<&str>,
    ) -> Result<Self, Failure> {
        for (name, value) in [("x-runcor-user", user), ("x-runcor-tenant", tenant)] {
            let Some(value) = value else { continue };
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                Failure::new("VALIDATION_ERROR", format!("{value:?} can't be the name of anybody"))
            })?;
            self.identity.insert(name, value);
        }
        Ok(self)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns whether a runcor answers at the address.
    pub(crate) async fn answers(&self) -> bool {
        let probe = self.client.get(format!("{}/livez", self.url)).timeout(PROBE_TIMEOUT).send();
        probe.await.is_ok_and(|response| response.status().is_success())
    }

    /// Asks at a path below `/v1`.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        self.answer(self.request(method, path, body).query(query)).await
    }

    /// Reads a list page by page, up to a number of items; gives it under its name.
    pub(crate) async fn pages(
        &self,
        path: &str,
        name: &str,
        query: &[(&'static str, String)],
        limit: usize,
    ) -> Result<Value, Failure> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        while items.len() < limit {
            let mut query = query.to_vec();
            query.push(("limit", (limit - items.len()).min(LONGEST_PAGE).to_string()));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let mut page = self.call(Method::GET, path, &query, None).await?;
            if let Some(Value::Array(more)) = page.get_mut(name).map(Value::take) {
                items.extend(more);
            }
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        Ok(json!({ name: items }))
    }

    /// Asks for work that may take long.
    pub(crate) async fn work(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.answer(self.request(Method::POST, path, Some(body)).timeout(LONG_WORK)).await
    }

    fn request(&self, method: Method, path: &str, body: Option<Value>) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}/v1{path}", self.url));
        request = request.headers(self.identity.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body: Value = response.json().await.unwrap_or(Value::Null);
        if status == StatusCode::UNAUTHORIZED {
            let message = if self.token.is_some() {
                "the server does not accept this token; check --token or AUTH_TOKEN"
            } else {
                "the server wants a token: pass --token, or set AUTH_TOKEN"
            };
            return Err(Failure::new("UNAUTHORIZED", message));
        }
        if !status.is_success() {
            return Err(Failure::from_body(status.as_u16(), &body));
        }
        Ok(body)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let reason = if error.is_timeout() { "it did not answer in time" } else { "no connection" };
        let message = format!("no runcor at {}: {reason}; start one with `runcor dev`", self.url);
        Failure::new("SERVER_UNREACHABLE", message)
    }

    pub(crate) async fn trigger(&self, request: TriggerRequest) -> Result<Value, Failure> {
        let path = format!("/flows/{}/trigger", segment(&request.flow));
        let mut body = json!({
            "idempotencyKey": request.key,
            "input": request.input,
            "userId": request.user.as_deref().unwrap_or(USUAL_USER),
            "tenantId": request.tenant,
        });
        let mut answer = self.call(Method::POST, &path, &[], Some(body.clone())).await;
        // The token says who triggers, and nobody has asked for somebody else.
        let is_other =
            |failure: &Failure| failure.details.as_ref().is_some_and(|one| one["field"] == "user");
        if request.user.is_none() && answer.as_ref().is_err_and(is_other) {
            body["userId"] = Value::Null;
            answer = self.call(Method::POST, &path, &[], Some(body)).await;
        }
        Ok(answer?["execution"].clone())
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Value, Failure> {
        let answer =
            self.call(Method::GET, &format!("/executions/{}", segment(id)), &[], None).await?;
        Ok(answer["execution"].clone())
    }

    pub(crate) async fn list(&self, query: &ListQuery) -> Result<Vec<Value>, Failure> {
        let mut parameters = vec![("order", "desc".to_owned())];
        parameters.extend(query.state.clone().map(|state| ("state", state)));
        parameters.extend(query.flow.clone().map(|flow| ("flowName", flow)));
        let mut found = self.pages("/executions", "executions", &parameters, query.limit).await?;
        match found["executions"].take() {
            Value::Array(executions) => Ok(executions),
            _ => Ok(Vec::new()),
        }
    }

    /// Returns an execution with its costs, its evaluation and its flag.
    pub(crate) async fn detail(&self, id: &str) -> Result<Value, Failure> {
        self.call(Method::GET, &format!("/executions/{}/detail", segment(id)), &[], None).await
    }

    pub(crate) async fn resume(&self, id: &str, data: Option<Value>) -> Result<Value, Failure> {
        let body = data.map_or_else(|| json!({}), |data| json!({ "resumeData": data }));
        let path = format!("/executions/{}/resume", segment(id));
        Ok(self.call(Method::POST, &path, &[], Some(body)).await?["execution"].clone())
    }

    pub(crate) async fn cancel(&self, id: &str, reason: Option<String>) -> Result<Value, Failure> {
        let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
        let path = format!("/executions/{}/cancel", segment(id));
        Ok(self.call(Method::POST, &path, &[], Some(body)).await?["execution"].clone())
    }

    pub(crate) async fn decide(&self, id: &str, decision: &Decision) -> Result<Value, Failure> {
        let body = serde_json::to_value(decision)
            .map_err(|error| Failure::new("INTERNAL_ERROR", error.to_string()))?;
        let path = format!("/executions/{}/decision", segment(id));
        Ok(self.call(Method::POST, &path, &[], Some(body)).await?["execution"].clone())
    }

    pub(crate) async fn fork(&self, id: &str, fork: Fork) -> Result<Value, Failure> {
        let changes = fork.changes;
        let mut body = json!({
            "at": fork.at,
            "idempotencyKey": fork.idempotency_key,
            "model": changes.model,
            "provider": changes.provider,
            "systemPrompt": changes.system_prompt,
            "prompt": changes.prompt,
        });
        if let Some(input) = fork.input {
            body["input"] = input;
        }
        let path = format!("/executions/{}/fork", segment(id));
        Ok(self.call(Method::POST, &path, &[], Some(body)).await?["execution"].clone())
    }

    pub(crate) async fn timeline(&self, id: &str) -> Result<Value, Failure> {
        self.call(Method::GET, &format!("/executions/{}/timeline", segment(id)), &[], None).await
    }

    pub(crate) async fn journal_value(&self, id: &str, path: &str) -> Result<Value, Failure> {
        let path = format!("/executions/{}/journal/{}", segment(id), segment(path));
        Ok(self.call(Method::GET, &path, &[], None).await?["value"].take())
    }

    pub(crate) async fn trouble(&self) -> Result<Value, Failure> {
        Ok(self.call(Method::GET, "/health", &[], None).await?["degraded"].take())
    }
}

/// Escapes a text for one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write as _;

    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_leave_its_segment_of_the_path() {
        assert_eq!(segment("a/../b?c#d"), "a%2F..%2Fb%3Fc%23d");
        assert_eq!(segment("morning-brief"), "morning-brief");
        assert_eq!(segment("ü"), "%C3%BC");
    }
}
