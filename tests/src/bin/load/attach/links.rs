//! Who is attached, as the broker's metrics say.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::LOOK;

const NAME: &str = "weald_broker_attached_organisations";

/// Reads a broker's metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links(SocketAddr);

/// Who is attached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attached {
    /// Organisations with any link.
    pub(super) organisations: usize,
    /// Organisations with two links or more.
    pub(super) with_two: usize,
    /// Links of all.
    pub(super) links: usize,
}

impl Links {
    pub(super) fn at(address: SocketAddr) -> Self {
        Links(address)
    }

    /// Waits until the broker answers.
    pub(super) async fn until_open(self, patience: Duration) -> anyhow::Result<()> {
        self.until(|_| true, patience).await.map(drop)
    }

    /// Waits until that holds, looking again and again. A broker that is not there yet is waited for, too.
    pub(super) async fn until(self, holds: impl Fn(&Attached) -> bool, patience: Duration) -> anyhow::Result<Attached> {
        let began = Instant::now();
        loop {
            let read = self.read().await;
            match &read {
                Ok(attached) if holds(attached) => return Ok(*attached),
                _ if began.elapsed() > patience => bail!("not within {} s: {read:?}", patience.as_secs()),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    async fn read(self) -> anyhow::Result<Attached> {
        let mut stream = TcpStream::connect(self.0).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        parse(&text).context("the metrics do not say who is attached")
    }
}

/// The gauge of each number of links.
fn parse(text: &str) -> Option<Attached> {
    let mut attached = Attached::default();
    let mut seen = false;
    for line in text.lines().filter_map(|line| line.strip_prefix(NAME)) {
        let (links, count) = line.strip_prefix("{links=\"")?.split_once("\"} ")?;
        let (links, count): (usize, usize) = (links.parse().ok()?, count.trim().parse().ok()?);
        attached.organisations += count;
        attached.links += count * links;
        attached.with_two += if links >= 2 { count } else { 0 };
        seen = true;
    }
    seen.then_some(attached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauges_are_added_up() {
        let text = "# HELP weald_broker_attached_organisations x\n# TYPE weald_broker_attached_organisations gauge\n\
            weald_broker_attached_organisations{links=\"1\"} 3\nweald_broker_attached_organisations{links=\"2\"} 5\n\
            weald_broker_attached_organisations{links=\"4\"} 1\nweald_broker_views_total{end=\"served\"} 9\n";
        assert_eq!(parse(text), Some(Attached { organisations: 9, with_two: 6, links: 17 }));
        assert_eq!(parse("weald_broker_views_total{end=\"served\"} 9\n"), None);
    }
}
