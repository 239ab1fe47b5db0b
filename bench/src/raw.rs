//! Messages as bytes: what is sent is made beforehand, and what comes is looked into by whoever
//! wants to.

use std::marker::PhantomData;

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Sends bytes and receives bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawCodec;

/// Decodes a message, as any service must, and answers with bytes.
#[derive(Clone, Copy, Debug)]
pub struct ReadCodec<M>(PhantomData<M>);

/// Decodes a message.
#[derive(Clone, Copy, Debug)]
pub struct MessageDecoder<M>(PhantomData<M>);

impl<M> Default for ReadCodec<M> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl<M: Message + Default + 'static> Codec for ReadCodec<M> {
    type Encode = Bytes;
    type Decode = M;
    type Encoder = RawCodec;
    type Decoder = MessageDecoder<M>;

    fn encoder(&mut self) -> RawCodec {
        RawCodec
    }

    fn decoder(&mut self) -> MessageDecoder<M> {
        MessageDecoder(PhantomData)
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

impl<M: Message + Default> Decoder for MessageDecoder<M> {
    type Item = M;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<M>, Status> {
        M::decode(from).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
