//! A wire between clients and the service that is cut after so many bytes, either way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use system_tests::Dice;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, copy};
use tokio::net::{TcpListener, TcpStream};

/// Fewest bytes that pass before a cut: the greetings of a connection.
const BYTES_MIN: usize = 200;
/// Most bytes that clients send on one connection; some thirty requests.
const REQUEST_BYTES_MAX: usize = 30_000;
/// Most bytes that come back; receipts make answers longer.
const ANSWER_BYTES_MAX: usize = 40_000;

/// A place to connect to in the service's stead.
pub(super) struct Cutter {
    /// Where it listens.
    pub(super) address: SocketAddr,
    cuts: Arc<AtomicU64>,
}

impl Cutter {
    /// Listens until the runtime ends.
    pub(super) async fn start(service: SocketAddr, dice: Dice) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the wire")?;
        let address = listener.local_addr()?;
        let cuts = Arc::new(AtomicU64::new(0));
        let counting = Arc::clone(&cuts);
        tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((client, _)) = listener.accept().await {
                connections += 1;
                let (dice, cuts) = (dice.apart(connections), Arc::clone(&counting));
                tokio::spawn(async move {
                    if wire(client, service, dice).await {
                        cuts.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Ok(Self { address, cuts })
    }

    /// Connections that were cut.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

/// Passes bytes on until one side is done or it is time for the cut; true for a cut.
async fn wire(mut client: TcpStream, service: SocketAddr, mut dice: Dice) -> bool {
    let Ok(mut service) = TcpStream::connect(service).await else { return false };
    let mut bytes = |most: usize| (BYTES_MIN + dice.below(most)) as u64;
    let (up, down) = (bytes(REQUEST_BYTES_MAX), bytes(ANSWER_BYTES_MAX));
    let (mut from_client, mut to_client) = client.split();
    let (mut from_service, mut to_service) = service.split();
    // Both ends are dropped with whatever is under way.
    tokio::select! {
        is_cut = pass(&mut from_client, &mut to_service, up) => is_cut,
        is_cut = pass(&mut from_service, &mut to_client, down) => is_cut,
    }
}

/// True once all the bytes passed, false if the sender ended before.
async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    bytes: u64,
) -> bool {
    copy(&mut from.take(bytes), to).await.is_ok_and(|passed| passed == bytes)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn what_passes_is_what_was_sent_until_it_is_cut() {
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cutter = Cutter::start(service.local_addr().unwrap(), Dice::new(1)).await.unwrap();
        let mut client = TcpStream::connect(cutter.address).await.unwrap();
        let (mut served, _) = service.accept().await.unwrap();
        client.write_all(b"request").await.unwrap();
        let mut request = [0; 7];
        served.read_exact(&mut request).await.unwrap();
        assert_eq!(&request, b"request");
        assert_eq!(cutter.cuts(), 0);

        let most = ANSWER_BYTES_MAX + BYTES_MIN;
        // The end that is cut off cannot be written to for ever.
        let _cut = served.write_all(&vec![7; 2 * most]).await;
        let mut passed = Vec::new();
        let _reset = client.read_to_end(&mut passed).await;
        assert!(passed.len() <= most && passed.iter().all(|byte| *byte == 7));
        let told = async || Ok((cutter.cuts() == 1).then_some(()));
        system_tests::eventually("the cut is counted", told).await.unwrap();
    }
}
