//! A proxy for tests that does as it is told, and tells what it was asked.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    /// The heads of what it was asked, in order.
    pub(crate) heads: mpsc::UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StandIn {
    /// Connects whoever asks.
    pub(crate) async fn connecting(host: IpAddr) -> Self {
        StandIn::new(host, |client, target| async move {
            let mut client = connected(client).await;
            let mut server = TcpStream::connect(&target).await.unwrap();
            copy_bidirectional(&mut client, &mut server).await.ok();
        })
        .await
    }

    /// Answers with these bytes, and hangs up.
    pub(crate) async fn answering(answer: &'static str) -> Self {
        StandIn::local(move |mut client, _| async move {
            client.write_all(answer.as_bytes()).await.ok();
        })
        .await
    }

    /// Says nothing for ever.
    pub(crate) async fn silent() -> Self {
        StandIn::local(|client, _| async move {
            let _open = client;
            std::future::pending().await
        })
        .await
    }

    pub(crate) async fn local<F, R>(serve: F) -> Self
    where
        F: Fn(TcpStream, String) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        StandIn::new(Ipv4Addr::LOCALHOST.into(), serve).await
    }

    /// Gives each connection, when its head is read, to `serve`, with the target that it names.
    async fn new<F, R>(host: IpAddr, serve: F) -> Self
    where
        F: Fn(TcpStream, String) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heads) = mpsc::unbounded_channel();
        let serve = Arc::new(serve);
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (tell, serve) = (tell.clone(), Arc::clone(&serve));
                tokio::spawn(async move {
                    let head = head(&mut client).await;
                    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    tell.send(head).ok();
                    serve(client, target).await;
                });
            }
        });
        StandIn { address, heads, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked first that nobody has looked at yet.
    pub(crate) fn next_head(&mut self) -> Option<String> {
        self.heads.try_recv().ok()
    }
}

/// Says that the connection stands.
pub(crate) async fn connected(mut client: TcpStream) -> TcpStream {
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    client
}

async fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}
