from emolit.files.media import Media


def test_recordings_are_found_by_name_audio_before_video(tmp_path):
    for name in ("audio/a.wav", "audio/b.FLAC", "video/a.mp4", "video/c.avi", "audio/notes.txt",
                 "video/._c.mp4", "Raw/one/1.mp4", "Raw/two/1.mp3", "else/d.wav"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    media = Media(tmp_path, ("audio", "video", "Raw/*"))
    assert media.find("audio/a", "video/a") == ("audio/a.wav", "video/a.mp4")
    assert media.find("audio/b", "video/b") == ("audio/b.FLAC", None)
    assert media.find("video/c", "audio/c") == ("video/c.avi", "video/c.avi")
    assert media.find("Raw/two/1") == ("Raw/two/1.mp3", None)
    assert media.find("else/d") == ("else/d.mp4", None)  # in no folder looked at: will be missed
