//! STUB
use super::read::{Items, Kind, Reader};
use super::write::Writer;
use super::{Serializer, SyntaxError};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
pub(super) struct JsonReader<'a> {
    frame: &'a Bytes,
    position: usize,
}
impl<'a> JsonReader<'a> {
    pub(super) fn new(frame: &'a Bytes) -> Self {
        Self { frame, position: 0 }
    }
}
impl Reader for JsonReader<'_> {
    const SERIALIZER: Serializer = Serializer::Json;
    fn kind(&mut self) -> Result<Kind, SyntaxError> {
        todo!()
    }
    fn null(&mut self) -> Result<(), SyntaxError> {
        todo!()
    }
    fn bool(&mut self) -> Result<bool, SyntaxError> {
        todo!()
    }
    fn integer(&mut self) -> Result<i128, SyntaxError> {
        todo!()
    }
    fn float(&mut self) -> Result<f64, SyntaxError> {
        todo!()
    }
    fn text(&mut self) -> Result<ByteString, SyntaxError> {
        todo!()
    }
    fn bytes(&mut self) -> Result<Bytes, SyntaxError> {
        todo!()
    }
    fn begin_list(&mut self) -> Result<Items, SyntaxError> {
        todo!()
    }
    fn begin_dict(&mut self) -> Result<Items, SyntaxError> {
        todo!()
    }
    fn next(&mut self, items: &mut Items) -> Result<bool, SyntaxError> {
        todo!()
    }
    fn key(&mut self) -> Result<ByteString, SyntaxError> {
        todo!()
    }
    fn skip(&mut self, depth_max: usize) -> Result<Bytes, SyntaxError> {
        todo!()
    }
    fn end(&mut self) -> Result<(), SyntaxError> {
        todo!()
    }
    fn expected(&self, what: &'static str) -> SyntaxError {
        SyntaxError {
            offset: self.position,
            expected: what,
        }
    }
}
pub(super) struct JsonWriter<'a> {
    out: &'a mut BytesMut,
}
impl<'a> JsonWriter<'a> {
    pub(super) fn new(out: &'a mut BytesMut) -> Self {
        Self { out }
    }
}
impl Writer for JsonWriter<'_> {
    const SERIALIZER: Serializer = Serializer::Json;
    fn null(&mut self) {
        todo!()
    }
    fn bool(&mut self, value: bool) {
        todo!()
    }
    fn integer(&mut self, value: i128) {
        todo!()
    }
    fn float(&mut self, value: f64) {
        todo!()
    }
    fn text(&mut self, value: &str) {
        todo!()
    }
    fn bytes(&mut self, value: &[u8]) {
        todo!()
    }
    fn begin_list(&mut self, count: usize) {
        todo!()
    }
    fn end_list(&mut self) {
        todo!()
    }
    fn begin_dict(&mut self, count: usize) {
        todo!()
    }
    fn key(&mut self, key: &str) {
        todo!()
    }
    fn end_dict(&mut self) {
        todo!()
    }
    fn encoded(&mut self, value: &[u8]) {
        todo!()
    }
}
