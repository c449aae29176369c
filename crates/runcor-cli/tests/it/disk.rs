//! A disk that is full while `dev` runs.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::bed::{Dev, ECHO, Project, Ran, client};

/// A small file system of its own; it is taken away when it is dropped.
struct Disk {
    place: PathBuf,
}

impl Disk {
    /// Mounts it; `None`, and a word about it, where that is not permitted.
    fn mount(place: PathBuf) -> Option<Self> {
        std::fs::create_dir(&place).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(&place)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { place });
        }
        eprintln!("skipped: mounting a file system is not permitted here");
        None
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.ballast()).unwrap();
        while file.write_all(&[b'x'; 512]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because a failed test may still have files open there.
        let _ = Command::new("umount").arg("-l").arg(&self.place).status();
    }
}

fn project(disk: &Disk, flow: &str) {
    let write = |name: &str, text: &str| crate::bed::write(&disk.place, name, text);
    write(
        "runcor.yaml",
        "providers: [{ type: mock }]\nstate: { type: sqlite, path: runcor.db }\nhttpServer: { enabled: true, port: 1 }\nwebhooks: { allowPrivateAddresses: true }\n",
    );
    write("flows/echo.yaml", ECHO);
    write("flows/hook.yaml", flow);
}

async fn trigger(dev: &Dev, flow: &str, key: &str, bytes: usize) -> (u16, Value) {
    let body = json!({ "idempotencyKey": key, "input": { "text": "x".repeat(bytes) } });
    let url = format!("{}/v1/flows/{flow}/trigger", dev.url());
    let answer = client().post(url).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn executions(dev: &Dev) -> Vec<Value> {
    let url = format!("{}/v1/executions?limit=200", dev.url());
    let answer = client().get(url).send().await.unwrap();
    assert!(answer.status().is_success());
    let body: Value = answer.json().await.unwrap();
    body["executions"].as_array().unwrap().clone()
}

async fn get(dev: &Dev, path: &str) -> (u16, Value) {
    let answer = client().get(format!("{}{path}", dev.url())).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Everybody who asks is told that the disk is full; only who asks for life is told of life.
async fn trouble_is_told(dev: &Dev, dir: &Path) {
    let (status, health) = get(dev, "/v1/health").await;
    assert_eq!((status, &health["status"]), (200, &json!("degraded")), "{health}");
    assert_eq!(health["degraded"]["code"], "STORAGE_FULL");
    let (status, body) = get(dev, "/readyz").await;
    assert_eq!((status, &body["error"]["code"]), (503, &json!("STORAGE_FULL")));
    assert_eq!(get(dev, "/livez").await.0, 200);
    let ran = Ran::of(crate::bed::runcor(dir, &["status"]).output().unwrap()).exits(0);
    assert!(
        ran.stderr.contains("degraded since") && ran.stderr.contains("STORAGE_FULL"),
        "{ran:?}"
    );
}

async fn trouble_is_over(dev: &Dev, dir: &Path) {
    for _ in 0..600 {
        if get(dev, "/readyz").await.0 == 200 {
            let ran = Ran::of(crate::bed::runcor(dir, &["status"]).output().unwrap()).exits(0);
            assert_eq!(ran.stderr, "");
            assert_eq!(get(dev, "/v1/health").await.1["degraded"], Value::Null);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("still degraded: {:?}", get(dev, "/v1/health").await);
}

fn is_complete(dir: &Path, id: &str) -> bool {
    let mut command = crate::bed::runcor(dir, &["status", id, "--json"]);
    let output = command.output().unwrap();
    let one: Value = serde_json::from_slice(&output.stdout).unwrap();
    one["execution"]["state"] == "complete"
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_are_refused_reads_go_on_and_nothing_accepted_is_lost() {
    let home = Project::empty();
    let Some(disk) = Disk::mount(home.path("disk")) else { return };
    project(&disk, &ECHO.replace("name: echo", "name: other"));
    let mut dev = Dev::start(&disk.place, &[]);
    let mut accepted = Vec::new();
    for n in 0..3 {
        let (status, body) = trigger(&dev, "echo", &format!("before-{n}"), 1_000).await;
        assert!(status < 300, "{body}");
        accepted.push(body["execution"]["id"].as_str().unwrap().to_owned());
    }
    disk.fill();
    let mut refused = 0;
    // What SQLite had reserved may take a few more.
    for n in 0..100 {
        let (status, body) = trigger(&dev, "echo", &format!("full-{n}"), 20_000).await;
        if status < 300 {
            accepted.push(body["execution"]["id"].as_str().unwrap().to_owned());
            continue;
        }
        assert_eq!((status, &body["error"]["code"]), (503, &json!("STORAGE_FULL")), "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains("free some space"), "{body}");
        refused += 1;
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5);
    assert_eq!(executions(&dev).await.len(), accepted.len());
    assert!(dev.is_running());
    trouble_is_told(&dev, &disk.place).await;

    disk.free();
    trouble_is_over(&dev, &disk.place).await;
    let (status, body) = trigger(&dev, "echo", "after", 20_000).await;
    assert!(status < 300, "{body}");
    accepted.push(body["execution"]["id"].as_str().unwrap().to_owned());
    dev.kill();
    let _dev = Dev::start(&disk.place, &[]);
    for id in &accepted {
        for _ in 0..600 {
            if is_complete(&disk.place, id) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(is_complete(&disk.place, id), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_full_disk_says_so_and_a_later_one_has_everything() {
    let home = Project::empty();
    let Some(disk) = Disk::mount(home.path("disk")) else { return };
    project(&disk, &ECHO.replace("name: echo", "name: other"));
    let run = |args: &[&str]| Ran::of(crate::bed::runcor(&disk.place, args).output().unwrap());
    let trigger = ["trigger", "echo", "--key", "k", "--input", "1", "--json"];
    for is_new in [true, false] {
        disk.fill();
        for args in [&["dev", "--port", "0", "--json"][..], &["status", "--json"], &trigger] {
            let ran = run(args).exits(1);
            assert_eq!(ran.error()["code"], "STORAGE_FULL", "{is_new} {args:?} {ran:?}");
        }
        disk.free();
        let first = run(&trigger).exits(0).json();
        assert_eq!(run(&trigger).exits(0).json(), first);
    }
}

/// The step's effect has happened, and its result can't be written down.
#[tokio::test(flavor = "multi_thread")]
async fn an_execution_whose_disk_fills_on_the_way_ends_once_there_is_room() {
    let home = Project::empty();
    let Some(disk) = Disk::mount(home.path("disk")) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    project(
        &disk,
        &format!(
            "name: hook\nsteps:\n  - {{ name: call, kind: webhook, url: '{url}', timeout: 60s }}\n"
        )
        .replace(", timeout: 60s", ""),
    );
    let mut dev = Dev::start(&disk.place, &[]);
    let (status, body) = trigger(&dev, "hook", "k", 1_000).await;
    assert!(status < 300, "{body}");
    let id = body["execution"]["id"].as_str().unwrap().to_owned();
    let (mut call, _) = listener.accept().unwrap();
    let mut seen = [0; 4_096];
    assert!(call.read(&mut seen).unwrap() > 0);
    disk.fill();
    // An answer that is larger than what SQLite may have reserved.
    let answer = json!({ "text": "y".repeat(200_000) }).to_string();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    call.write_all(head.as_bytes()).unwrap();
    call.write_all(answer.as_bytes()).unwrap();
    // The step ran; wherever it is written down again, it is asked again at most.
    listener.set_nonblocking(true).unwrap();
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(dev.is_running());
    }
    let state = executions(&dev).await[0]["state"].clone();
    assert_eq!(state, "running", "what could not be written down is not given up");
    disk.free();
    for _ in 0..600 {
        if is_complete(&disk.place, &id) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(is_complete(&disk.place, &id), "{:?} {:?}", executions(&dev).await, dev.errors());
    assert!(listener.accept().is_err(), "the step ran twice");
}
