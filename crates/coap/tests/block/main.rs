//! Block-wise transfer from end to end: the examples of the RFCs, and bodies on good and bad links.

mod network;
mod peers;
mod qpeers;
mod recovery;
mod rfc7959;
mod rfc8323;
mod rfc9175;
mod rfc9177;
