//! Bootstrap-Pack: all accounts in one answer of the Bootstrap-Server (Core 1.2.2 §6.1.7.7).

use dunlin_coap::block::{Block, BlockReceiver, Next};
use dunlin_coap::{Code, Message, MessageBuilder};
use dunlin_codec::ContentFormat;
use dunlin_lwm2m::write_bootstrap_pack_request;
use dunlin_model::{ObjectId, Path};
use heapless::Vec;

use crate::engine::Core;
use crate::write::{Author, Payload, Records};
use crate::{Error, Objects, composite, provision, set, write};

/// How many objects a pack may replace.
const OBJECTS: usize = 16;

/// A pack that is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pack {
    receiver: BlockReceiver,
    /// The block to ask for, after the first.
    next: Option<Block>,
}

impl Pack {
    /// Writes the options of the request for it, or for its next block.
    pub(crate) fn request(
        &self,
        builder: &mut MessageBuilder<'_>,
        objects: &dyn Objects,
        endpoint: &str,
        preferred: ContentFormat,
    ) {
        let account = provision::account_id(objects);
        let account = account.map(|id| Path::instance(ObjectId::of::<0>(), id));
        let format = composite::format_for_several(preferred);
        write_bootstrap_pack_request(builder, endpoint, account, format);
        if let Some(block) = self.next {
            builder.block2(block);
        }
    }
}

impl<P: Copy + Eq> Core<'_, P> {
    /// Takes the answer to the request for a pack: whether all of it is here and has been carried out. `None` when the
    /// next block is to be asked for.
    pub(crate) fn unpack(&mut self, message: &Message<'_>) -> Option<Result<(), Error>> {
        if message.code() != Code::CONTENT {
            return Some(Err(Error::Failed));
        }
        let limit = self.upload.len();
        let bootstrap = self.state.bootstrap.as_mut()?;
        let Some(pack) = &mut bootstrap.pack else {
            return Some(Err(Error::Failed));
        };
        let format = ContentFormat(message.content_format().unwrap_or(u16::MAX));
        let received = pack
            .receiver
            .response(message, limit, self.config.block_size);
        // The room is the pack's now: what has come of a server's long request is lost.
        self.state.upload = None;
        match received {
            Ok(received) if received.store(message.payload(), self.upload) => match received.next {
                Next::More(block) => {
                    pack.next = Some(block);
                    None
                }
                Next::Complete(_) => {
                    self.begin_change();
                    let bytes = self.upload.get(..received.end()).unwrap_or_default();
                    Some(apply(self.objects, Payload { format, bytes }))
                }
            },
            _ => Some(Err(Error::NoSpace)),
        }
    }
}

/// Replaces the instances of each object in the pack, but for the account of the Bootstrap-Server and instance 0 of the
/// Device object; what is not in it stays. The accounts must be whole afterwards.
///
/// Types and ranges are checked before anything changes.
fn apply(objects: &mut dyn Objects, payload: Payload<'_>) -> Result<(), Error> {
    if !composite::is_for_several(payload.format) {
        return Err(Error::UnsupportedFormat);
    }
    let mut definitions = set::Definitions::new();
    set::definitions(objects, &mut definitions)?;
    let records = Records {
        payload,
        base: Path::ROOT,
        definitions: &definitions,
    };
    records.visit(&mut |record| {
        let (object, instance) = record
            .path
            .object_id()
            .zip(record.path.instance_id())
            .ok_or(Error::BadValue)?;
        let definition = objects.definition(object).ok_or(Error::BadValue)?;
        if object.get() == 0 && provision::account_id(objects) == Some(instance) {
            return Err(Error::BadValue);
        }
        write::fits(definition, record)
    })?;
    let mut replaced = Vec::<ObjectId, OBJECTS>::new();
    records.visit(&mut |record| {
        let object = record.path.object_id().ok_or(Error::BadValue)?;
        if !replaced.contains(&object) {
            provision::delete(objects, Path::object(object))?;
            replaced.push(object).map_err(|_| Error::NoSpace)?;
        }
        write::apply(objects, Author::Bootstrapper, record)
    })?;
    if provision::is_consistent(objects) {
        Ok(())
    } else {
        Err(Error::NotAcceptable)
    }
}
