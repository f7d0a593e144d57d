//! How long a connection that asks for pages may take, and how it ends when the router stops.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use wamp::router::Limits;
use wamp::transport::{Folder, Pages};

use super::link::Link;
use super::node::{Node, in_real_time, in_virtual_time};
use super::peer::authority;

const PAGE: &str = "GET /wamp.js HTTP/1.1\r\nHost: localhost\r\n\r\n";
const LARGE: &str = "GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const LARGE_BYTES: usize = 1024 * 1024;
const ROOMY: usize = 2 * LARGE_BYTES;

/// A router that has a large file for browsers.
async fn start(limits: Limits) -> (Node, TempDir) {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("large"), vec![b'x'; LARGE_BYTES]).unwrap();
    let pages = Pages {
        folder: Some(Folder::open(dir.path()).unwrap()),
        ..Pages::default()
    };
    (Node::start_with(limits, pages).await, dir)
}

/// Reads an answer that says how long it is.
async fn read_answer(link: &mut Link) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(link.take(1).await[0]));
    }
    let (_, rest) = head.split_once("content-length: ").unwrap();
    let length = rest.lines().next().unwrap().parse().unwrap();
    link.take(length).await;
    head
}

fn rounded(time: Duration) -> Duration {
    Duration::from_secs_f64(time.as_secs_f64().round())
}

#[test]
fn who_asks_for_nothing_more_is_let_go_and_who_goes_on_asking_is_not() {
    in_virtual_time(async {
        let (node, _dir) = start(Limits::default()).await;
        let limit = Limits::default().upgrade_time;
        let mut link = Link::connect(&node, ROOMY);
        for _ in 0..5 {
            link.write(PAGE.as_bytes()).await;
            assert!(read_answer(&mut link).await.starts_with("HTTP/1.1 200 "));
            sleep(limit.mul_f64(0.8)).await;
        }
        link.write(PAGE.as_bytes()).await;
        read_answer(&mut link).await;
        let began = Instant::now();
        assert_eq!(link.read_to_end().await, b"");
        assert_eq!(rounded(began.elapsed()), limit);
    });
}

#[test]
fn an_answer_that_is_taken_slowly_arrives_and_one_that_is_not_taken_is_cut() {
    in_virtual_time(async {
        let limits = Limits::default();
        let (node, _dir) = start(limits.clone()).await;
        let mut slow = Link::connect(&node, LARGE_BYTES / 4);
        slow.write(LARGE.as_bytes()).await;
        let began = Instant::now();
        let mut taken = 0;
        for _ in 0..3 {
            sleep(limits.stall_time.mul_f64(0.8)).await;
            taken += slow.take(LARGE_BYTES / 4).await.len();
        }
        taken += slow.read_to_end().await.len();
        assert!(taken > LARGE_BYTES, "{taken}");
        assert!(began.elapsed() > 2 * limits.upgrade_time.max(limits.stall_time));

        let mut stuck = Link::connect(&node, 1024);
        stuck.write(LARGE.as_bytes()).await;
        sleep(limits.stall_time + limits.goodbye_time + Duration::from_secs(1)).await;
        assert_eq!(stuck.read_to_end().await.len(), 1024);
    });
}

#[test]
fn a_stopping_router_finishes_the_answers_under_way_and_begins_no_others() {
    in_virtual_time(async {
        let (node, _dir) = start(Limits::default()).await;
        let mut silent = Link::connect(&node, ROOMY);
        let mut idle = Link::connect(&node, ROOMY);
        idle.write(PAGE.as_bytes()).await;
        read_answer(&mut idle).await;
        let mut under_way = Link::connect(&node, 1024);
        under_way
            .write(LARGE.replacen("Connection: close\r\n", "", 1).as_bytes())
            .await;
        let began = Instant::now();
        under_way.take(1024).await;
        node.begin_to_stop().await.unwrap();
        under_way.write(PAGE.as_bytes()).await;
        for link in [&mut silent, &mut idle] {
            assert_eq!(link.read_to_end().await, b"");
        }
        let rest = under_way.read_to_end().await;
        assert!(rest.len() > LARGE_BYTES - 1024 && rest.len() < LARGE_BYTES + 1024);
        assert_eq!(rounded(began.elapsed()), Duration::ZERO);
    });
}

#[test]
fn a_connection_for_pages_counts_as_one() {
    in_real_time(async {
        let limits = Limits {
            connections: 1,
            ..Limits::default()
        };
        let (node, _dir) = start(limits).await;
        // Whether a page is sent on this connection.
        let serves = async |stream: &mut TcpStream| {
            let mut status = [0; 12];
            let is_sent = stream.write_all(PAGE.as_bytes()).await.is_ok();
            is_sent && stream.read_exact(&mut status).await.is_ok() && status == *b"HTTP/1.1 200"
        };
        let connect = || TcpStream::connect(authority(node.url()));
        let mut first = connect().await.unwrap();
        assert!(serves(&mut first).await);
        for _ in 0..10 {
            assert!(!serves(&mut connect().await.unwrap()).await);
        }
        drop(first);
        // Its place is free when its task has ended, which nobody is told.
        while !serves(&mut connect().await.unwrap()).await {}
    });
}
