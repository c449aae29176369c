//! Pages of a memory: keys that begin alike, in order of their bytes.

use serde_json::json;

use runcor_core::{MemoryPage, MemoryQuery, MemorySpace, MemoryWrite};

use crate::store_suite::fixture::StoreFixture;
use crate::store_suite::kept_ops::{of_flow, page_of, remove, write};
use crate::store_suite::subject::{Subject, at};

const KEYS: [&str; 24] = [
    "",
    "a",
    "A",
    "a b",
    "a%",
    "a%b",
    "a_",
    "a_b",
    "ab",
    "a\\",
    "a*",
    "a[b]",
    "a?",
    "a:b",
    "a:b:c",
    "a\u{7f}",
    "aé",
    "ae\u{301}",
    "b",
    "ä",
    "你",
    "你好",
    "\u{10ffff}",
    "\u{10ffff}a",
];

async fn filled(subject: &Subject) -> MemorySpace {
    let space = of_flow("f");
    for key in KEYS {
        subject.remember(&write(&space, key, json!(key))).await;
    }
    space
}

fn expected(prefix: &str) -> Vec<&'static str> {
    let mut keys: Vec<_> = KEYS.into_iter().filter(|key| key.starts_with(prefix)).collect();
    keys.sort_unstable();
    keys
}

pub(crate) async fn keys_are_listed_by_how_they_begin(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = filled(&subject).await;
    let others = ["a%b%", "_", "%", "z", "\u{10ffff}\u{10ffff}", "A%", "*", "[", "a:"];
    for prefix in KEYS.into_iter().chain(others) {
        let query = MemoryQuery { prefix: prefix.to_owned(), ..page_of(&space) };
        let page = subject.memories(&query).await;
        let keys: Vec<_> = page.items.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, expected(prefix), "expected the keys that begin with {prefix:?}");
        assert_eq!(page.next, None, "expected one page of {prefix:?}");
        for entry in page.items {
            assert_eq!(entry.value, json!(entry.key), "expected the value at {:?}", entry.key);
        }
    }
}

pub(crate) async fn keys_come_in_pages(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = filled(&subject).await;
    for prefix in ["", "a", "a:b", "你"] {
        for limit in [1, 2, 5, 24] {
            let prefix = prefix.to_owned();
            let mut query = MemoryQuery { prefix, limit, ..page_of(&space) };
            let mut found = Vec::new();
            loop {
                let page = subject.memories(&query).await;
                assert!(page.items.len() <= limit, "expected no more than {limit}");
                let last = page.items.last().map(|entry| entry.key.clone());
                found.extend(page.items.into_iter().map(|entry| entry.key));
                if page.next.is_none() {
                    break;
                }
                assert_eq!(page.next, last, "expected the next page after the last key");
                query.after = page.next;
            }
            let prefix = &query.prefix;
            assert_eq!(found, expected(prefix), "expected pages of {limit} of {prefix:?}");
        }
    }
}

pub(crate) async fn a_page_begins_after_any_key(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = filled(&subject).await;
    let others = ["0", "aa", "a:b:", "z", "\u{10ffff}z"];
    for after in KEYS.into_iter().chain(others) {
        for prefix in ["", "a", "a:b"] {
            let query = MemoryQuery {
                prefix: prefix.to_owned(),
                after: Some(after.to_owned()),
                ..page_of(&space)
            };
            let expected: Vec<_> =
                expected(prefix).into_iter().filter(|key| *key > after).collect();
            let found = subject.keys(&query).await;
            assert_eq!(found, expected, "expected {prefix:?} after {after:?}");
        }
    }
    subject.remember(&remove(&space, "a:b")).await;
    let query = MemoryQuery { after: Some("a:b".to_owned()), limit: 1, ..page_of(&space) };
    assert_eq!(subject.keys(&query).await, ["a:b:c"], "expected to go on after a removed key");
}

pub(crate) async fn what_has_expired_is_on_no_page(fixture: StoreFixture) {
    let subject = Subject::new(&fixture);
    let space = of_flow("f");
    for (key, expires) in [("a", 10), ("b", 99), ("c", 10), ("d", 99), ("e", 10)] {
        let expires = Some(at(expires));
        subject.remember(&MemoryWrite { expires, ..write(&space, key, json!(1)) }).await;
    }
    let query = MemoryQuery { limit: 1, now: at(10), ..page_of(&space) };
    let page = subject.memories(&query).await;
    let keys: Vec<_> = page.items.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!((keys, page.next.as_deref()), (vec!["b"], Some("b")), "expected the first live one");
    let page = subject.memories(&MemoryQuery { after: page.next, ..query.clone() }).await;
    let keys: Vec<_> = page.items.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!((keys, page.next), (vec!["d"], None), "expected the last page to know its end");
    let none = MemoryQuery { limit: 0, ..query };
    assert_eq!(
        subject.memories(&none).await,
        MemoryPage::default(),
        "expected nothing for limit 0"
    );
}
