//! What a page must not do: throw, log an error, break its content security policy. Everything that it does of this
//! kind fails the test in which it does it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::cdp::Event;

/// What a page has done wrong so far. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Complaints {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    list: Vec<String>,
    /// Parts of complaints that the test brings about on purpose.
    expected: Vec<String>,
    unreachable: bool,
}

impl Complaints {
    /// The test brings this about: complaints with this text in them are none.
    pub fn expect(&self, part: &str) {
        self.state().expected.push(part.to_owned());
    }

    /// From now on the server may be unreachable: the browser writes a line for every attempt to reach it.
    pub fn expect_unreachable(&self) {
        self.state().unreachable = true;
    }

    pub(crate) fn take(&self, event: &Event) {
        if let Some(complaint) = complaint(event) {
            self.state().list.push(complaint);
        }
    }

    /// What is left of the list without what was expected.
    #[must_use]
    pub fn unexpected(&self) -> Vec<String> {
        let state = self.state();
        let expected = |complaint: &&String| {
            state
                .expected
                .iter()
                .any(|part| complaint.contains(part.as_str()))
                || (state.unreachable && is_about_reaching(complaint))
        };
        state
            .list
            .iter()
            .filter(|complaint| !expected(complaint))
            .cloned()
            .collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_about_reaching(complaint: &str) -> bool {
    complaint.contains("WebSocket connection to")
        || complaint.contains("net::ERR_")
        || complaint.contains("status of 503")
}

/// The complaint in an event, if it is one.
fn complaint(event: &Event) -> Option<String> {
    let params = &event.params;
    match event.method.as_str() {
        "Runtime.exceptionThrown" => {
            let details = &params["exceptionDetails"];
            let text = details["exception"]["description"]
                .as_str()
                .or_else(|| details["text"].as_str());
            Some(format!("exception: {}", text.unwrap_or("?")))
        }
        "Runtime.consoleAPICalled" if params["type"] == "error" || params["type"] == "assert" => {
            Some(format!("console: {}", arguments(&params["args"])))
        }
        "Log.entryAdded" if params["entry"]["level"] == "error" => {
            let entry = &params["entry"];
            let text = format!(
                "{}: {} ({})",
                entry["source"].as_str().unwrap_or("log"),
                entry["text"].as_str().unwrap_or("?"),
                entry["url"].as_str().unwrap_or("")
            );
            (!is_an_answer_of_the_api(&text)).then_some(text)
        }
        "Inspector.targetCrashed" => Some("the page crashed".to_owned()),
        _ => None,
    }
}

/// A refusal is an ordinary answer of an API; browsers write a line for each.
fn is_an_answer_of_the_api(text: &str) -> bool {
    text.starts_with("network: Failed to load resource: the server responded with a status of 4")
        && text.contains("/client/v1/")
}

fn arguments(arguments: &Value) -> String {
    let text = |argument: &Value| match (&argument["value"], argument["description"].as_str()) {
        (Value::String(text), _) => text.clone(),
        (_, Some(description)) => description.to_owned(),
        (value, None) => value.to_string(),
    };
    let words: Vec<String> = arguments.as_array().into_iter().flatten().map(text).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(method: &str, params: Value) -> Event {
        Event {
            method: method.to_owned(),
            params,
        }
    }

    fn network(text: &str, url: &str) -> Event {
        event(
            "Log.entryAdded",
            json!({"entry": {"level": "error", "source": "network", "text": text, "url": url}}),
        )
    }

    #[test]
    fn errors_of_all_kinds_are_complaints_and_refusals_of_the_api_are_not() {
        let complaints = Complaints::default();
        complaints.take(&event(
            "Runtime.consoleAPICalled",
            json!({"type": "error", "args": [{"value": "bad"}, {"description": "Error: x"}]}),
        ));
        complaints.take(&event(
            "Runtime.consoleAPICalled",
            json!({"type": "log", "args": []}),
        ));
        complaints.take(&event(
            "Runtime.exceptionThrown",
            json!({"exceptionDetails": {"text": "Uncaught", "exception": {"description": "panicked"}}}),
        ));
        let refusal = "Failed to load resource: the server responded with a status of 401 (Unauthorized)";
        complaints.take(&network(refusal, "http://h/client/v1/session/token"));
        complaints.take(&network(refusal, "http://h/missing.css"));
        let found = complaints.unexpected();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "console: bad Error: x");
        assert!(found[2].contains("missing.css"));
    }

    #[test]
    fn what_a_test_brings_about_is_no_complaint() {
        let complaints = Complaints::default();
        let refused = "WebSocket connection to 'ws://h/tim' failed: Error in connection establishment: net::ERR_CONNECTION_REFUSED";
        complaints.take(&network(refused, ""));
        assert_eq!(complaints.unexpected().len(), 1);
        complaints.expect_unreachable();
        assert!(complaints.unexpected().is_empty());
    }
}
