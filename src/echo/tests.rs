//! What only a passing deadline, a small limit or a panic shows: clients on streams of this process, in virtual time.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Answer, Behaviour, Note, Server, Watcher};
use crate::router::Limits;
use crate::transport::{Ends, RawPaths, Site};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// A server whose clients' endings are kept.
struct Stage {
    server: Server,
    endings: Arc<Mutex<Vec<String>>>,
}

/// A client's end of a stream.
struct Link {
    stream: DuplexStream,
    served: JoinHandle<()>,
}

fn in_virtual_time(test: impl Future<Output = ()>) {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.unwrap().block_on(test);
}

impl Stage {
    fn new(behaviour: Behaviour, limits: Limits) -> Self {
        let endings = Arc::<Mutex<Vec<String>>>::default();
        let watcher = {
            let endings = Arc::clone(&endings);
            Watcher::new(move |_, note| match note {
                Note::Closed(ending) => {
                    let reason = ending.reason.clone().into_owned();
                    endings.lock().unwrap().push(reason);
                }
                Note::Data(_, text) => assert_ne!(text[..], *b"panic!", "as the test wants it"),
                _ => {}
            })
        };
        Self {
            server: Server::new(behaviour, limits, watcher),
            endings,
        }
    }

    /// Connects by a stream of `buffer` bytes each way.
    async fn open(&self, buffer: usize) -> Link {
        let (stream, theirs) = duplex(buffer);
        let server = self.server.clone();
        let served = tokio::spawn(async move {
            let nowhere = SocketAddr::from(([127, 0, 0, 1], 0)).into();
            let ends = Ends {
                local: nowhere,
                peer: nowhere,
            };
            let site = Site {
                raw_paths: RawPaths::All("is tested"),
                ..Site::default()
            };
            server.serve(theirs, ends, &site, pending()).await;
        });
        let mut link = Link { stream, served };
        link.stream.write_all(REQUEST).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(link.stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        link
    }

    fn endings(&self) -> Vec<String> {
        self.endings.lock().unwrap().clone()
    }
}

impl Link {
    /// Sends a frame, masked with zeros.
    async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![opcode, 0xff];
        frame.extend((payload.len() as u64).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(payload);
        self.stream.write_all(&frame).await.unwrap();
    }

    /// The next frame; `None` at the end of the stream.
    async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let opcode = self.stream.read_u8().await.ok()?;
        let length = match self.stream.read_u8().await.ok()? {
            126 => self.stream.read_u16().await.ok()?.into(),
            127 => self.stream.read_u64().await.ok()?,
            length => length.into(),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some((opcode, payload))
    }
}

fn delayed(delay: Duration) -> Behaviour {
    Behaviour {
        delay,
        ..Behaviour::new(Answer::Echo)
    }
}

#[test]
fn each_answer_waits_for_its_delay() {
    in_virtual_time(async {
        let delay = Duration::from_secs(3);
        let stage = Stage::new(delayed(delay), Limits::default());
        let mut link = stage.open(1024).await;
        let began = Instant::now();
        for text in ["one", "two"] {
            link.send(TEXT, text.as_bytes()).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for (seconds, text) in [(3, "one"), (4, "two")] {
            assert_eq!(link.receive().await, Some((TEXT, text.into())));
            assert_eq!(began.elapsed().as_secs(), seconds);
        }
    });
}

#[test]
fn what_waits_for_its_delay_is_bounded_by_not_reading() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_messages: 10,
            ..Limits::default()
        };
        let stage = Stage::new(delayed(Duration::from_secs(1)), limits);
        let mut link = stage.open(1024).await;
        let began = Instant::now();
        // More than the stream and the read buffer hold.
        let sent = 1_000;
        let (mut reading, mut writing) = tokio::io::split(link.stream);
        let writer = tokio::spawn(async move {
            for _ in 0..sent {
                writing
                    .write_all(&[TEXT, 0x82, 0, 0, 0, 0, b'h', b'i'])
                    .await
                    .unwrap();
            }
            writing
        });
        for _ in 0..sent {
            let mut frame = [0; 4];
            loop {
                reading.read_exact(&mut frame[..2]).await.unwrap();
                if frame[0] != PING {
                    break;
                }
            }
            reading.read_exact(&mut frame[2..]).await.unwrap();
            assert_eq!(frame, *b"\x81\x02hi");
        }
        // Ten at once, each ten a second later than those before.
        assert_eq!(began.elapsed().as_secs(), sent / 10);
        link.stream = reading.unsplit(writer.await.unwrap());
    });
}

#[test]
fn who_is_not_read_from_for_a_long_delay_is_not_taken_for_dead() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_messages: 1,
            ..Limits::default()
        };
        let stage = Stage::new(delayed(Duration::from_secs(100)), limits);
        let mut link = stage.open(1024).await;
        link.send(TEXT, b"patience").await;
        let began = Instant::now();
        assert_eq!(link.receive().await, Some((TEXT, b"patience".to_vec())));
        assert_eq!(began.elapsed().as_secs(), 100);
    });
}

#[test]
fn who_takes_nothing_is_closed_after_the_stall_time() {
    in_virtual_time(async {
        let stage = Stage::new(Behaviour::new(Answer::Echo), Limits::default());
        let mut link = stage.open(64 * 1024).await;
        link.send(TEXT, &vec![b'x'; 1024 * 1024]).await;
        let began = Instant::now();
        link.served.await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 10);
        assert_eq!(stage.endings(), ["it has taken nothing for 10s"]);
    });
}

#[test]
fn who_answers_no_ping_is_closed_and_who_does_stays() {
    in_virtual_time(async {
        let stage = Stage::new(Behaviour::new(Answer::Count), Limits::default());
        let silent = stage.open(1024).await;
        let mut alive = stage.open(1024).await;
        let began = Instant::now();
        let mut counts = Vec::new();
        while began.elapsed() < Duration::from_secs(100) {
            match alive.receive().await.unwrap() {
                (PING, payload) => alive.send(PONG, &payload).await,
                (_, count) => counts.push(String::from_utf8(count).unwrap()),
            }
        }
        assert!(silent.served.is_finished());
        assert_eq!(stage.endings(), ["no sign of life for 2 pings"]);
        // Who is gone without a word is not counted for ever.
        assert_eq!(counts, ["2", "1"]);
    });
}

#[test]
fn who_does_not_answer_a_close_has_the_goodbye_time() {
    in_virtual_time(async {
        let stage = Stage::new(Behaviour::new(Answer::Echo), Limits::default());
        let mut link = stage.open(1024).await;
        let began = Instant::now();
        stage.server.shut_down();
        let (opcode, payload) = link.receive().await.unwrap();
        assert_eq!((opcode, &payload[..2]), (CLOSE, &b"\x03\xe9"[..]));
        link.served.await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 2);
        // Who comes too late is told the same.
        let mut late = stage.open(1024).await;
        assert_eq!(late.receive().await.unwrap().0, CLOSE);
    });
}

#[test]
fn beyond_the_limit_for_all_who_is_owed_most_is_cut() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_bytes_total: 250_000,
            ..Limits::default()
        };
        let stage = Stage::new(Behaviour::new(Answer::Echo), limits);
        let mut small = stage.open(64).await;
        let mut large = stage.open(64).await;
        let mut third = stage.open(1024 * 1024).await;
        small.send(TEXT, &vec![b's'; 100_000]).await;
        large.send(TEXT, &vec![b'l'; 120_000]).await;
        third.send(TEXT, b"nothing waits for it").await;
        assert!(third.receive().await.is_some());
        assert_eq!(stage.endings(), [] as [&str; 0]);
        let mut fourth = stage.open(64).await;
        fourth.send(TEXT, &vec![b'f'; 50_000]).await;
        large.served.await.unwrap();
        assert_eq!(
            stage.endings(),
            ["too much waits for all clients, and most for this one"]
        );
        for link in [&mut small, &mut fourth] {
            assert!(link.receive().await.is_some());
        }
    });
}

#[test]
fn a_panic_ends_its_own_connection_only_and_is_counted_as_gone() {
    in_virtual_time(async {
        let stage = Stage::new(Behaviour::new(Answer::Count), Limits::default());
        let mut other = stage.open(1024).await;
        assert_eq!(other.receive().await, Some((TEXT, b"1".to_vec())));
        let mut link = stage.open(1024).await;
        assert_eq!(other.receive().await, Some((TEXT, b"2".to_vec())));
        link.send(TEXT, b"panic!").await;
        assert!(link.served.await.unwrap_err().is_panic());
        assert_eq!(other.receive().await, Some((TEXT, b"1".to_vec())));
    });
}
