//! A way to the API server that can be cut, as when the server is away.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::cluster;
use crate::user::User;

/// Hands connections on to the API server, unless it is cut.
pub(crate) struct Way {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_cut: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Way {
    /// Opens a way, and writes the kubeconfig `through` that leads there into the user's folder.
    pub(crate) fn of(user: &User) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = format!("https://{}", listener.local_addr().unwrap());
        let server = cluster::server();
        let kubeconfig = std::fs::read_to_string(user.folder.join("kubeconfig")).unwrap();
        assert!(kubeconfig.contains(&server), "{kubeconfig}");
        user.writes("through", &kubeconfig.replace(&server, &ours));
        let state = Arc::new(State::default());
        let (shared, address) = (Arc::clone(&state), server.trim_start_matches("https://").to_owned());
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| shared.hands_on(stream, &address)));
        Self { state }
    }

    /// Cuts all connections, and takes none.
    pub(crate) fn is_cut(&self) {
        let mut open = self.state.open.lock().unwrap();
        self.state.is_cut.store(true, Ordering::SeqCst);
        open.drain(..).for_each(|stream| _ = stream.shutdown(Shutdown::Both));
    }

    /// Takes connections again.
    pub(crate) fn is_open(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }
}

impl State {
    fn hands_on(&self, client: TcpStream, address: &str) {
        let mut open = self.open.lock().unwrap();
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        let server = TcpStream::connect(address).unwrap();
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            thread::spawn(move || {
                _ = copy(&mut from, &mut to);
                _ = to.shutdown(Shutdown::Write);
            });
        }
        open.extend([client, server]);
    }
}
